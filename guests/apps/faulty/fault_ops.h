/* SPDX-License-Identifier: Apache-2.0 */
/* One function per fault, named as the `fault` parameter of the templates. */
#ifndef FAULT_OPS_H
#define FAULT_OPS_H

#include <stdint.h>

#include "ucos_ii.h"
#include "vmi.h"

#define FAULT_WILD_ADDRESS 0x0badc0d0u   /* class DYNAMIC, in no window (ERROR, R5) */
#define FAULT_VMM_ADDRESS 0x60000000u    /* class FIXED */
#define FAULT_DEVICE_ADDRESS 0x10009000u /* class FIXED: UART0 of vexpress-a9 */

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

#endif
