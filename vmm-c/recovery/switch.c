/* SPDX-License-Identifier: Apache-2.0 */
/* The switch paths with fault tolerance: the outgoing VM or task is checkpointed (R19, R20). */
#include "core/switch.h"

#include "core/recovery.h"
#include "recovery/checkpoint.h"
#include "recovery/threads.h"

static void vm_leave(struct vm *vm) {
  struct thread *owner = &vm->threads[vm->state.owner];
  thread_leave(owner, thread_vfp_slot);
  if (vm->tracked && vm->run_state != VMI_VM_EMPTY && --vm->saves_due == 0) {
    vm->saves_due = (uint16_t)vm->config->vm_period;
    checkpoint_vm(vm);
  }
}

void switch_from_vm(void) {
  if (current_vm != NULL) {
    vm_leave(current_vm);
    current_vm->counters.switches++;
    current_vm = NULL;
  }
}

void switch_to_vm(struct vm *next) {
  switch_from_vm();
  vm_enter(next);
}

void switch_slice_ended(struct vm *vm) {
  vm_leave(vm);
  vm_enter(vm);
}

static void task_leave(struct vm *vm, unsigned task) {
  struct thread *thread = &vm->threads[task];
  thread_leave(thread, thread_vfp_slot);
  vm->counters.task_switches += task != KERNEL_THREAD;
  if (!vm->tracked) {
    return;
  }
  if (task != KERNEL_THREAD && --thread->saves_due == 0) {
    thread->saves_due = (uint16_t)vm->config->task_period;
    checkpoint_task(vm, task);
  } else {
    checkpoint_arm_shared(vm);
  }
}

void switch_to_task(struct vm *vm, unsigned task) {
  if (vm->state.owner != task) {
    task_leave(vm, vm->state.owner);
    if (vm->tracked) {
      checkpoint_refresh(vm, task);
      thread_unshare(vm, &vm->threads[task]);
    }
    vm->state.owner = (uint8_t)task;
    thread_enter(&vm->threads[task]);
  }
  task_enter(vm, task);
}

void switch_to_idle(struct vm *vm) {
  if (vm->state.owner != KERNEL_THREAD) {
    task_leave(vm, vm->state.owner);
    vm->state.owner = KERNEL_THREAD;
    thread_enter(&vm->threads[KERNEL_THREAD]);
  }
}

static bool is_pure(const struct vm *vm, uint32_t number) {
  uint32_t index = number - VMI_GUEST_CALL;
  return index < 32u && (vm->pure_calls >> index & 1u) != 0;
}

void switch_to_kernel_call(struct vm *vm, const struct context *caller) {
  if (!is_pure(vm, caller->r[12])) {
    vm->kernel_changed |= 1u << vm->state.owner;
  }
  kernel_call(vm, caller);
}
