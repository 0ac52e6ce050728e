/* SPDX-License-Identifier: Apache-2.0 */
/* Register accessors and entry code of the bare port. */
#ifndef BARE_CPU_H
#define BARE_CPU_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Registers of a task that does not run. context.S relies on this order: between two entries the stack pointers of SVC
 * and IRQ mode stand at `pc` of the running task, so that an entry saves r0..r14 with one store multiple.
 */
struct context {
  uint32_t r[15]; /* r0..r12, sp, lr */
  uint32_t pc;
  uint32_t cpsr;
  uint32_t reserved;
};

#define VFP_WORDS 66 /* d0..d31, FPSCR, and one to keep 8 bytes aligned */

struct vfp_context {
  _Alignas(8) uint32_t words[VFP_WORDS];
};

#define CPSR_MODE_SYS 0x1fu /* tasks: privileged, as on a board without protection; interrupts on */
#define FPEXC_EN 0x40000000u

/* context.S */
_Noreturn void context_run(struct context *context);
void vfp_save(struct vfp_context *context);
void vfp_load(const struct vfp_context *context);

static inline void cpu_wait_for_interrupt(void) {
  __asm__ volatile("dsb\n\twfi" ::: "memory");
}

static inline bool vfp_is_enabled(void) {
  uint32_t fpexc;

  __asm__ volatile(".fpu neon\n\tvmrs %0, fpexc" : "=r"(fpexc));
  return (fpexc & FPEXC_EN) != 0;
}

static inline void vfp_enable(bool on) {
  __asm__ volatile(".fpu neon\n\tvmsr fpexc, %0" ::"r"(on ? FPEXC_EN : 0u) : "memory");
}

#endif
