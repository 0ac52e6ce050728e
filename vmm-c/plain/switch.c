/* SPDX-License-Identifier: Apache-2.0 */
/* The switch paths without fault tolerance. */
#include "core/switch.h"

#include "core/recovery.h"

static struct vfp_context *vfp_slot(struct thread *thread) {
  return &thread->vfp[0];
}

static void leave(struct vm *vm) {
  thread_leave(&vm->threads[vm->state.owner], vfp_slot);
}

void switch_from_vm(void) {
  if (current_vm != NULL) {
    leave(current_vm);
    current_vm->counters.switches++;
    current_vm = NULL;
  }
}

void switch_to_vm(struct vm *next) {
  switch_from_vm();
  vm_enter(next);
}

void switch_slice_ended(struct vm *vm) {
  (void)vm;
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

void switch_to_idle(struct vm *vm) {
  (void)vm;
}

void switch_to_kernel_call(struct vm *vm, const struct context *caller) {
  kernel_call(vm, caller);
}
