/* SPDX-License-Identifier: Apache-2.0 */
/* One function per fault, named as the `fault` parameter of the templates. */
#ifndef FAULT_OPS_H
#define FAULT_OPS_H

#include <stdint.h>

#include "ucos_ii.h"
#include "vmi.h"
#include "vmi_calls.h"

#define FAULT_WILD_ADDRESS 0x0badc0d0u   /* class DYNAMIC, in no window (ERROR, R5) */
#define FAULT_VMM_ADDRESS 0x60000000u    /* class FIXED */
#define FAULT_DEVICE_ADDRESS 0x10009000u /* class FIXED: UART0 of vexpress-a9 */

#define FAULT_STAT_OFFSET 14u            /* of `stat` in struct os_task (rtos/kernel/kernel.h) */

/* The compiler must not know the address: it would replace an access through null by a trap. */
static inline volatile uint32_t *fault_pointer(uint32_t address) {
  __asm__("" : "+r"(address));
  return (volatile uint32_t *)address;
}

static inline void fault_jump(uint32_t address) {
  __asm__("" : "+r"(address));
  ((void (*)(void))address)();
}

static inline void fault_none(uint32_t victim) {
  (void)victim;
}

/* R40: the demonstration of the paper. */
static inline void fault_write_ostime(uint32_t victim) {
  (void)victim;
  OSTime = 0;
}

/* What the first task waits for, in its control block: it would never run again. On the kernel's side only. */
static inline void fault_break_block(uint32_t victim) {
  extern volatile uint8_t os_tasks[];
  (void)victim;
  os_tasks[FAULT_STAT_OFFSET] = 0x80;
}

static inline void fault_null_read(uint32_t victim) {
  (void)victim;
  (void)*fault_pointer(0);
}

static inline void fault_null_write(uint32_t victim) {
  (void)victim;
  *fault_pointer(0) = 1;
}

static inline void fault_wild_read(uint32_t victim) {
  (void)victim;
  (void)*fault_pointer(FAULT_WILD_ADDRESS);
}

static inline void fault_wild_write(uint32_t victim) {
  (void)victim;
  *fault_pointer(FAULT_WILD_ADDRESS) = 1;
}

static inline void fault_read_task(uint32_t victim) {
  (void)*fault_pointer(VMI_TASK_BASE + victim * VMI_WINDOW_SIZE);
}

static inline void fault_write_task(uint32_t victim) {
  *fault_pointer(VMI_TASK_BASE + victim * VMI_WINDOW_SIZE) = 1;
}

static inline void fault_read_kernel(uint32_t victim) {
  (void)victim;
  (void)*fault_pointer(VMI_KERNEL_BASE);
}

static inline void fault_write_kernel(uint32_t victim) {
  (void)victim;
  *fault_pointer(VMI_KERNEL_BASE) = 1;
}

static inline void fault_read_vcpu(uint32_t victim) {
  (void)victim;
  (void)*fault_pointer(VMI_VCPU_PAGE);
}

static inline void fault_write_info(uint32_t victim) {
  (void)victim;
  *fault_pointer(VMI_INFO_PAGE) = 1;
}

static inline void fault_read_vmm(uint32_t victim) {
  (void)victim;
  (void)*fault_pointer(FAULT_VMM_ADDRESS);
}

static inline void fault_write_device(uint32_t victim) {
  (void)victim;
  *fault_pointer(FAULT_DEVICE_ADDRESS) = '!';
}

static inline void fault_write_text(uint32_t victim) {
  (void)victim;
  *fault_pointer((uint32_t)&fault_none) = 0;
}

static inline void fault_write_const(uint32_t victim) {
  static const uint32_t constant = 1;

  (void)victim;
  *fault_pointer((uint32_t)&constant) = 0;
}

/* LDM wants its address aligned whatever SCTLR.A says (ARM ARM A3.2.1). */
static inline void fault_unaligned(uint32_t victim) {
  uint32_t words[4] = {0};

  (void)victim;
  __asm__ volatile("ldm %0, {r2, r3}" ::"r"((uint32_t)words + 2u) : "r2", "r3", "memory");
}

static inline void fault_jump_null(uint32_t victim) {
  (void)victim;
  fault_jump(0);
}

static inline void fault_jump_wild(uint32_t victim) {
  (void)victim;
  fault_jump(FAULT_WILD_ADDRESS);
}

static inline void fault_jump_kernel(uint32_t victim) {
  (void)victim;
  fault_jump(VMI_KERNEL_BASE);
}

#define FAULT_BX_LR 0xe12fff1eu /* would just return, were it executable */

static inline void fault_jump_data(uint32_t victim) {
  static uint32_t code[] = {FAULT_BX_LR};

  (void)victim;
  fault_jump((uint32_t)code);
}

static inline void fault_jump_stack(uint32_t victim) {
  volatile uint32_t code[] = {FAULT_BX_LR};

  (void)victim;
  fault_jump((uint32_t)code);
}

static inline void fault_jump_info(uint32_t victim) {
  (void)victim;
  fault_jump(VMI_INFO_PAGE);
}

/* Of a VM that has a channel. */
static inline void fault_jump_channel(uint32_t victim) {
  fault_jump(VMI_CHANNEL_BASE + victim * VMI_PAGE_SIZE);
}

static inline void fault_jump_vcpu(uint32_t victim) {
  (void)victim;
  fault_jump(VMI_VCPU_PAGE);
}

static inline void fault_breakpoint(uint32_t victim) {
  (void)victim;
  __asm__ volatile("bkpt #0");
}

static inline void fault_undefined(uint32_t victim) {
  (void)victim;
  __asm__ volatile("udf #0");
}

static inline void fault_privileged(uint32_t victim) {
  (void)victim;
  __asm__ volatile("mcr p15, 0, %0, c1, c0, 0" ::"r"(0)); /* SCTLR: MMU off */
}

/* Calls itself until the stack is at its end: the guard page below it. */
static inline uint32_t fault_deeper(uint32_t depth) {
  volatile uint32_t frame[32];

  frame[depth % 32u] = depth;
  return depth == UINT32_MAX ? 0 : fault_deeper(depth + 1u) + frame[depth % 32u];
}

static inline void fault_stack_overflow(uint32_t victim) {
  (void)victim;
  (void)*fault_pointer(VMI_INFO_PAGE + fault_deeper(0) % 4u);
}

/* One frame of nearly the size of the guard, of which only the far end is touched. */
__attribute__((noinline, unused)) static uint32_t fault_large_frame_use(uint32_t victim) {
  volatile uint32_t frame[15000];

  frame[victim % 8u] = victim;
  return frame[victim % 8u];
}

static inline void fault_large_frame(uint32_t victim) {
  (void)*fault_pointer(VMI_INFO_PAGE + 4u * fault_large_frame_use(victim));
}

static inline void fault_loop(uint32_t victim) {
  (void)victim;
  for (;;) {
    __asm__ volatile("");
  }
}

/* A guest kernel that no interrupt reaches any more. */
static inline void fault_deaf(uint32_t victim) {
  (void)victim;
  *fault_pointer(VMI_VCPU_PAGE + VMI_VCPU_IRQ_ENABLED) = 0;
}

#define FAULT_PANIC_REASON 77u

static inline void fault_panic(uint32_t victim) {
  static const char text[] = "queue\noverrun of twenty";

  (void)vmi_panic(FAULT_PANIC_REASON, text, victim == 2u ? 0xffffffffu : sizeof(text) - 1u);
}

/* A text that the caller may not read. */
static inline void fault_panic_wild(uint32_t victim) {
  (void)victim;
  (void)vmi_panic(FAULT_PANIC_REASON, (const char *)FAULT_WILD_ADDRESS, 9);
}

/* Calls that nobody may make, again and again. */
static inline void fault_misuse(uint32_t victim) {
  for (uint32_t i = 0; i < 100000u; i++) {
    (void)vmi_console_write((const char *)FAULT_VMM_ADDRESS, victim);
  }
}

#endif
