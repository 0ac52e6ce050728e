/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps that the switch paths of recovery/ and plain/ are composed of. The fast paths (arch/armv7/exceptions.inc) do
 * the same for the frequent cases.
 */
#ifndef CORE_SWITCH_H
#define CORE_SWITCH_H

#include "arch/armv7/mmu.h"
#include "core/vm.h"

/* Domains of the thread that is going to run: entering or leaving the guest kernel is this one write (R9). */
static inline void protection_set(const struct vm *vm) {
  write_dacr(vm->thread->dacr);
  isb();
}

/* VFP is loaded when the thread first uses it (fault_undefined). */
static inline void thread_enter(const struct thread *thread) {
  write_tpidrurw(thread_frame(thread)->tpidrurw);
}

static inline void vm_enter(struct vm *vm) {
  current_vm = vm;
  space_activate(vm->ttbr0, vm->asid);
  protection_set(vm);
  write_tpidrurw(vm->thread_id);
}

/* Whole slices are counted where they end (struct vital_signs). */
static inline void vm_left(struct vm *vm) {
  vm->switches++;
  vm->signs.slices_more--;
  current_vm = NULL;
}

/* Leave the current VM, if there is one, and enter another. */
void switch_to_vm(struct vm *next);

static inline void task_enter(struct vm *vm, unsigned task) {
  vm->thread = &vm->threads[task];
  vm->vcpu->current_task = task;
  protection_set(vm);
}

/* The guest kernel keeps nothing on its stack between entries: each starts at the top (docs/vmi.md). */
static inline struct context *kernel_enter(struct vm *vm, uint32_t vector) {
  vm->kernel->frame = vm->kernel->park;
  struct context *frame = thread_frame(vm->kernel);
  frame->r[13] = vm->stack_top;
  frame->pc = VMI_KERNEL_BASE + vector;
  frame->cpsr = PSR_USR;
  vm->thread = vm->kernel;
  vm->vcpu->irq_masked = 1;
  vm->unsaved = 1;
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
