/* SPDX-License-Identifier: Apache-2.0 */
/* The switch paths without fault tolerance. A thread has one image; only VFP registers make more work than a fast path does. */
#include "core/switch.h"

#include "core/recovery.h"

static void leave(struct vm *vm) {
  struct thread *owner = vm->owner;
  vm->thread_id = read_tpidrurw();
  thread_frame(owner)->tpidrurw = vm->thread_id;
  if (vfp_enabled()) {
    vfp_save(&vm->vfp[thread_number(vm, owner)][0]);
    vfp_set_enabled(false);
  }
  owner->unsaved = 0;
  vm->unsaved = 0;
}

void switch_from_vm(void) {
  if (current_vm != NULL) {
    leave(current_vm);
    vm_left(current_vm);
  }
}

void switch_slice_ended(struct vm *vm) {
  (void)vm;
}

void switch_to_task(struct vm *vm, unsigned task) {
  struct thread *thread = &vm->threads[task];
  if (vm->owner != thread) {
    leave(vm);
    vm->task_switches++;
    vm->owner = thread;
    thread_enter(thread);
  }
  task_enter(vm, task);
}

void switch_to_idle(struct vm *vm) {
  (void)vm;
}

void switch_to_kernel_call(struct vm *vm, const struct context *caller) {
  kernel_call(vm, caller);
}
