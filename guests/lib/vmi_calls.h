/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls of the VMI as C functions (reference: docs/vmi.md).
 *
 * A call is `svc #0` with its number in r12 and its arguments in r0..r3. The result comes back in r0, of
 * a few calls also in r1. r1 to r3 and r12 may change; every other register and the VFP are preserved. Memory is
 * clobbered in every call: the VMM may write buffers, and another task or VM may run in between.
 *
 * Unless a comment says otherwise, a call returns VMI_OK or a negative VMI_E... value, and a call that
 * is refused has changed nothing. [K] = only the guest kernel may use it, [M] = only the kernel of
 * the management VM; VMI_EPERM for everybody else.
 */
#ifndef LIB_VMI_CALLS_H
#define LIB_VMI_CALLS_H

#include <stdint.h>

#include "vmi.h"

struct vmi_result {
  int32_t value;   /* r0 */
  uint32_t second; /* r1: only meaningful where the call says so */
};

/* The call itself; any number, any arguments. */
static inline struct vmi_result vmi_call(uint32_t number, uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3) {
  register uint32_t r0 __asm__("r0") = a0;
  register uint32_t r1 __asm__("r1") = a1;
  register uint32_t r2 __asm__("r2") = a2;
  register uint32_t r3 __asm__("r3") = a3;
  register uint32_t r12 __asm__("r12") = number;

  __asm__ volatile("svc #0" : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r3), "+r"(r12) : : "memory", "cc");
  return (struct vmi_result){(int32_t)r0, r1};
}

/* The same with fewer arguments: registers that a call does not read are not loaded. */
static inline int32_t vmi_call0(uint32_t number) {
  register uint32_t r0 __asm__("r0");
  register uint32_t r12 __asm__("r12") = number;

  __asm__ volatile("svc #0" : "=r"(r0), "+r"(r12) : : "r1", "r2", "r3", "memory", "cc");
  return (int32_t)r0;
}

static inline int32_t vmi_call1(uint32_t number, uint32_t a0) {
  register uint32_t r0 __asm__("r0") = a0;
  register uint32_t r12 __asm__("r12") = number;

  __asm__ volatile("svc #0" : "+r"(r0), "+r"(r12) : : "r1", "r2", "r3", "memory", "cc");
  return (int32_t)r0;
}

static inline int32_t vmi_call2(uint32_t number, uint32_t a0, uint32_t a1) {
  register uint32_t r0 __asm__("r0") = a0;
  register uint32_t r1 __asm__("r1") = a1;
  register uint32_t r12 __asm__("r12") = number;

  __asm__ volatile("svc #0" : "+r"(r0), "+r"(r1), "+r"(r12) : : "r2", "r3", "memory", "cc");
  return (int32_t)r0;
}

static inline int32_t vmi_call3(uint32_t number, uint32_t a0, uint32_t a1, uint32_t a2) {
  register uint32_t r0 __asm__("r0") = a0;
  register uint32_t r1 __asm__("r1") = a1;
  register uint32_t r2 __asm__("r2") = a2;
  register uint32_t r12 __asm__("r12") = number;

  __asm__ volatile("svc #0" : "+r"(r0), "+r"(r1), "+r"(r2), "+r"(r12) : : "r3", "memory", "cc");
  return (int32_t)r0;
}

static inline uint32_t vmi_address(const void *pointer) {
  return (uint32_t)(uintptr_t)pointer;
}

/* ---- for kernels and tasks ---- */

/* ABI version of the VMM; compare with VMI_ABI_VERSION. */
static inline int32_t vmi_version(void) {
  return vmi_call0(VMI_VERSION);
}

/* The global timer (10 ns units on vexpress-a9). Never rolled back, never stops. */
static inline uint64_t vmi_time(void) {
  register uint32_t r0 __asm__("r0");
  register uint32_t r1 __asm__("r1");
  register uint32_t r12 __asm__("r12") = VMI_TIME;

  __asm__ volatile("svc #0" : "=r"(r0), "=r"(r1) : "r"(r12) : "memory", "cc");
  return ((uint64_t)r1 << 32) | r0;
}

/* Writes length bytes, at most 256, to the VM's console. Returns the number of bytes taken; EINVAL, EFAULT. */
static inline int32_t vmi_console_write(const char *text, uint32_t length) {
  return vmi_call2(VMI_CONSOLE_WRITE, vmi_address(text), length);
}

/* Ends the time slice of the VM; it stays ready. */
static inline int32_t vmi_yield(void) {
  return vmi_call0(VMI_YIELD);
}

/*
 * Gives up: the VMM treats the caller by its policy, and keeps `reason` and the first 39 bytes of text for people. Returns only
 * if nothing is done about it. text: printable; NULL if length is 0.
 */
static inline int32_t vmi_panic(uint32_t reason, const char *text, uint32_t length) {
  return vmi_call3(VMI_PANIC, reason, vmi_address(text), length);
}

/* Rings the bell of channel 0..VMI_CHANNEL_MAX-1: raises VMI_IRQ_CHANNEL in the peer. ENOENT. */
static inline int32_t vmi_channel_notify(uint32_t channel) {
  return vmi_call1(VMI_CHANNEL_NOTIFY, channel);
}

/* ---- for kernels [K] ---- */

/*
 * From now on these objects are checked before a checkpoint of the VM is taken, whenever a task runs or the kernel waits. The table is
 * constant memory. EFAULT: it is not; EINVAL: one makes no sense or is broken now; ESTATE: the VM has no checkpoints.
 */
static inline int32_t vmi_objects(const struct vmi_object *objects, uint32_t count) {
  return vmi_call2(VMI_OBJECT, vmi_address(objects), count);
}

/* Reads up to length bytes of console input. Returns their number, 0 when there are none; EINVAL, EFAULT. */
static inline int32_t vmi_console_read(char *buffer, uint32_t length) {
  return vmi_call2(VMI_CONSOLE_READ, vmi_address(buffer), length);
}

/* Blocks the VM until an enabled line is pending; returns the pending and enabled lines. */
static inline uint32_t vmi_wait(void) {
  return (uint32_t)vmi_call0(VMI_WAIT);
}

/* The boot is complete: without it, a VM whose configuration says so is taken for one that failed to boot. */
static inline int32_t vmi_ready(void) {
  return vmi_call0(VMI_READY);
}

/* Takes a pending, enabled virtual interrupt now, if interrupts are unmasked. */
static inline int32_t vmi_irq_poll(void) {
  return vmi_call0(VMI_IRQ_POLL);
}

/* Periodic VMI_IRQ_TIMER: a multiple of info->tick_us, at most 63 ticks; 0 stops it. EINVAL. */
static inline int32_t vmi_timer_set(uint32_t period_us) {
  return vmi_call1(VMI_TIMER_SET, period_us);
}

/*
 * A safe point: this is the checkpoint of the VM and all its tasks. After a rollback the kernel goes on behind this call, too.
 * ESTATE: the VM has no checkpoints.
 */
static inline int32_t vmi_checkpoint(void) {
  return vmi_call0(VMI_CHECKPOINT);
}

/*
 * Sets up the context of task id (0..info->task_count-1): entry(argument) on the stack that ends at
 * stack_top. It starts suspended, with priority 63. ENOENT; ESTATE: it exists; EINVAL: entry or stack.
 */
static inline int32_t vmi_task_create(uint32_t id, void (*entry)(void *), void *stack_top, void *argument) {
  return vmi_call(VMI_TASK_CREATE, id, (uint32_t)(uintptr_t)entry, vmi_address(stack_top), vmi_address(argument)).value;
}

/* Forgets the context of a task. ENOENT. */
static inline int32_t vmi_task_delete(uint32_t id) {
  return vmi_call1(VMI_TASK_DELETE, id);
}

/* Takes a task out of the ready table. ENOENT. */
static inline int32_t vmi_task_suspend(uint32_t id) {
  return vmi_call1(VMI_TASK_SUSPEND, id);
}

/* Puts a task into the ready table. ENOENT. */
static inline int32_t vmi_task_resume(uint32_t id) {
  return vmi_call1(VMI_TASK_RESUME, id);
}

/* 0 is the most urgent, VMI_PRIORITY_COUNT-1 the least; equal ones take turns. ENOENT, EINVAL. */
static inline int32_t vmi_task_priority(uint32_t id, uint32_t priority) {
  return vmi_call2(VMI_TASK_PRIORITY, id, priority);
}

/*
 * Leaves the kernel for task id, or for the highest ready one (VMI_TASK_NEXT). Returns only when
 * refused: ENOENT, ESTATE; EAGAIN when VMI_TASK_NEXT finds no ready task.
 */
static inline int32_t vmi_task_switch(uint32_t id) {
  return vmi_call1(VMI_TASK_SWITCH, id);
}

/* Sets r0 and r1 of a task that waits inside a guest call. ENOENT, ESTATE. */
static inline int32_t vmi_task_result(uint32_t id, uint32_t r0, uint32_t r1) {
  return vmi_call3(VMI_TASK_RESULT, id, r0, r1);
}

/*
 * Delivers r0 and r1 to the task whose call is being served, then runs the highest ready one.
 * Returns only when refused (EAGAIN: no ready task; nothing was delivered. ENOENT, ESTATE).
 */
static inline int32_t vmi_task_return(uint32_t r0, uint32_t r1) {
  return vmi_call2(VMI_TASK_RETURN, r0, r1);
}

#endif
