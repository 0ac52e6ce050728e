/* SPDX-License-Identifier: Apache-2.0 */
/* The switch paths without fault tolerance. */
#include "core/switch.h"

#include "core/recovery.h"

static void leave(struct vm *vm) {
  struct thread *owner = &vm->threads[vm->state.owner];
  thread_leave(owner, &owner->vfp[0]);
}

void switch_to_vm(struct vm *next) {
  if (current_vm != NULL) {
    leave(current_vm);
    current_vm->counters.switches++;
  }
  vm_enter(next);
}

void switch_to_task(struct vm *vm, unsigned task) {
  if (vm->state.owner != task) {
    leave(vm);
    vm->counters.task_switches++;
    vm->state.owner = (uint8_t)task;
    thread_enter(&vm->threads[task]);
  }
  task_enter(vm, task);
}

void switch_to_kernel_call(struct vm *vm, const struct context *caller) {
  kernel_call(vm, caller);
}
