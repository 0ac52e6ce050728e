/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The register state of one virtual CPU thread (a guest kernel or a task), as the entry code saves it.
 *
 * While a guest runs, SP_svc is "parked" at `pc` of the frame that takes its registers at the next exception. SRSIA then
 * stores the return state upwards and STMDB ^ the user registers downwards: two instructions save everything
 * (the scheme of seL4's entry; ARM ARM B9.3.16 SRS).
 */
#ifndef ARCH_CONTEXT_H
#define ARCH_CONTEXT_H

#define CONTEXT_PC 60       /* offset of pc: where SP_svc is parked */
#define CONTEXT_TPIDRURW 68 /* offset of tpidrurw */

/* The same from where SP_svc is parked; register n. */
#define FRAME_R(n) (4 * (n) - CONTEXT_PC)
#define FRAME_TPIDRURW (CONTEXT_TPIDRURW - CONTEXT_PC)

#define PSR_MODE 0x1f
#define PSR_USR 0x10
#define PSR_SVC 0x13
#define PSR_T 0x20
#define PSR_I 0x80
#define PSR_A 0x100

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct context {
  uint32_t r[15]; /* r0-r12, sp, lr of USR mode */
  uint32_t pc;
  uint32_t cpsr;
  uint32_t tpidrurw; /* the thread-ID register that a guest can write, without a trap: saved at every switch */
};

/* A frame, by the address of its pc: where SP_svc is parked. */
typedef uint32_t image_t;

static inline struct context *image_context(image_t image) {
  return (struct context *)(uintptr_t)(image - CONTEXT_PC);
}

static inline image_t context_image(const struct context *frame) {
  return (uint32_t)(uintptr_t)&frame->pc;
}

struct vfp_context {
  uint64_t d[32];
  uint32_t fpscr;
  uint32_t reserved;
};

_Static_assert(offsetof(struct context, pc) == CONTEXT_PC, "the entry code parks SP_svc here");
_Static_assert(offsetof(struct context, tpidrurw) == CONTEXT_TPIDRURW, "the entry code saves it");

/* vfp.S: transfer the whole VFP/NEON register file; VFP must be enabled (FPEXC.EN). */
void vfp_save(struct vfp_context *to);
void vfp_load(const struct vfp_context *from);

/* Copies a page through VFP registers, in a quarter of the instructions. VFP must be enabled. */
void vfp_page_copy(void *dst, const void *src);
#endif
#endif
