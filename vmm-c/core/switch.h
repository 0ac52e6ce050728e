/* SPDX-License-Identifier: Apache-2.0 */
/* The steps that the switch paths of recovery/ and plain/ are composed of. */
#ifndef CORE_SWITCH_H
#define CORE_SWITCH_H

#include "arch/armv7/mmu.h"
#include "core/vm.h"

/*
 * Take the registers that are not in the entry frame from the CPU: thread IDs, and VFP if it was used.
 * slot: says where this thread's VFP registers go; asked only if they are in use.
 */
static inline void thread_leave(struct thread *thread, struct vfp_context *(*slot)(struct thread *)) {
  struct context *frame = thread_frame(thread);
  frame->tpidrurw = read_tpidrurw();
  frame->tpidruro = read_tpidruro();
  if (vfp_enabled()) {
    vfp_save(slot(thread));
    vfp_set_enabled(false);
  }
}

/* VFP is loaded when the thread first uses it (fault_undefined). */
static inline void thread_enter(struct thread *thread) {
  const struct context *frame = thread_frame(thread);
  write_tpidrurw(frame->tpidrurw);
  write_tpidruro(frame->tpidruro);
}

/* Domains of the thread that is going to run: entering or leaving the guest kernel is this one write (R9). */
static inline void protection_set(const struct vm *vm) {
  write_dacr(vm_in_kernel(vm) ? DACR_KERNEL : DACR_TASK(vm->state.thread));
  isb();
}

static inline void vm_enter(struct vm *vm) {
  current_vm = vm;
  space_activate(vm->active_pt, vm->asid);
  protection_set(vm);
  thread_enter(&vm->threads[vm->state.owner]);
}

static inline void task_enter(struct vm *vm, unsigned task) {
  vm->state.thread = (uint8_t)task;
  vm->vcpu->current_task = task;
  protection_set(vm);
}

/* The guest kernel keeps nothing on its stack between entries: each starts at the top (docs/vmi.md). */
static inline struct context *kernel_enter(struct vm *vm, uint32_t vector) {
  struct context *frame = thread_frame(&vm->threads[KERNEL_THREAD]);
  frame->r[13] = vm->stack_top;
  frame->pc = VMI_KERNEL_BASE + vector;
  frame->cpsr = PSR_USR;
  vm->state.thread = KERNEL_THREAD;
  vm->vcpu->irq_masked = 1;
  protection_set(vm);
  return frame;
}

/* A task's guest call: the kernel gets its arguments in the same registers. */
static inline void kernel_call(struct vm *vm, const struct context *caller) {
  struct context *frame = kernel_enter(vm, VMI_VECTOR_CALL);
  for (unsigned i = 0; i < 4; i++) {
    frame->r[i] = caller->r[i];
  }
  frame->r[12] = caller->r[12];
}

#endif
