/* SPDX-License-Identifier: Apache-2.0 */
/* The switch paths with fault tolerance: the outgoing VM or task is checkpointed (R19, R20). */
#include "core/switch.h"

#include "core/fault.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "recovery/checkpoint.h"
#include "recovery/schedule.h"
#include "recovery/objects.h"
#include "recovery/threads.h"

/* Take the registers that are not in the entry frame from the CPU: thread ID, and VFP if it was used. */
static void registers_leave(struct vm *vm, struct thread *owner) {
  vm->thread_id = read_tpidrurw();
  if (thread_frame(owner)->tpidrurw != vm->thread_id) {
    thread_unshare(vm, owner);
    thread_frame(owner)->tpidrurw = vm->thread_id;
  }
  if (vfp_enabled()) {
    vfp_save(thread_vfp_slot(vm, owner));
    vfp_set_enabled(false);
  }
}

/*
 * Nothing but registers differs from the checkpoint that was just taken, nor will without notice: then a switch may take the next
 * one at once, unless the guest alone says when.
 */
static bool vm_is_clean(const struct vm *vm) {
  return !vm->tracked ||
         (!vm_in_kernel(vm) && vm->dirty.count == 0 && vm->tasks_dirty == 0 && schedule_has_end(&vm->config->schedule));
}

/* A state that is already wrong is not saved, but left for the last checkpoint (D7). */
static bool state_is_good(struct vm *vm) {
  struct vmi_fault what = {0};
  if (objects_hold(vm, &what)) {
    return true;
  }
  if (vm->run_state == VMI_VM_RUNNING) {
    fault_event(vm, VMI_TASK_KERNEL, &what);
    sched_update(vm); /* it may have waited, and not wait now */
  }
  return false;
}

/* Returns the number of checkpoints taken: 0 or 1. */
static int32_t vm_leave(struct vm *vm) {
  registers_leave(vm, vm->owner);
  if (vm->tracked && vm->run_state != VMI_VM_EMPTY) {
    if (!schedule_due(&vm->config->schedule, &vm->saves_due, &vm->saved_at)) {
      return 0;
    }
    if (!state_is_good(vm)) {
      return 0;
    }
    checkpoint_vm(vm);
  }
  vm->unsaved = !vm_is_clean(vm);
  return 1;
}

int32_t recovery_safe_point(struct vm *vm) {
  if (!vm->tracked) {
    return VMI_ESTATE;
  }
  registers_leave(vm, vm->owner);
  return recovery_checkpoint(vm);
}

void switch_from_vm(void) {
  if (current_vm != NULL) {
    current_vm->counters.checkpoints_more += vm_leave(current_vm) - 1;
    vm_left(current_vm);
  }
}

void switch_slice_ended(struct vm *vm) {
  vm->counters.checkpoints_more += vm_leave(vm);
  vm_enter(vm);
}

/* Nothing but registers differs from the task's checkpoint, and the VM's has an image of its own. */
static bool task_is_clean(const struct vm *vm, const struct thread *thread) {
  unsigned task = thread_number(vm, thread);
  return !vm->tracked || (thread != vm->kernel && thread->vm_saved != 0 && task_schedule(vm, task)->switches == 1 &&
                          vm->task_dirty[task].count == 0);
}

/* R20, R24 */
static bool task_save_due(struct vm *vm, struct thread *thread) {
  unsigned task = thread_number(vm, thread);
  bool due = schedule_due(task_schedule(vm, task), &thread->saves_due, &vm->task_saved_at[task]);
  vm->counters.task_checkpoints_more -= !due;
  return due;
}

static void task_save(struct vm *vm, struct thread *task) {
  if (task_save_due(vm, task)) {
    checkpoint_task(vm, thread_number(vm, task));
  } else {
    thread_unshare(vm, task); /* so that it is seen to have run since its checkpoint */
    checkpoint_arm_shared(vm);
  }
}

/* What is the same however the owner's memory is saved. */
static void owner_stop(struct vm *vm) {
  registers_leave(vm, vm->owner);
  vm->threads_dirty |= thread_bit(vm, vm->owner);
  vm->task_switches += vm->owner != vm->kernel;
}

static void owner_leave(struct vm *vm) {
  struct thread *owner = vm->owner;
  owner_stop(vm);
  if (vm->tracked && owner != vm->kernel) {
    task_save(vm, owner);
  } else if (vm->tracked) {
    checkpoint_arm_shared(vm);
  }
  owner->unsaved = !task_is_clean(vm, owner);
}

void switch_to_task(struct vm *vm, unsigned task) {
  struct thread *thread = &vm->threads[task];
  if (vm->owner != thread) {
    owner_leave(vm);
    if (vm->tracked) {
      checkpoint_refresh(vm, task);
    }
    vm->owner = thread;
    thread->unsaved |= vm->tasks_written; /* the next switch, too, must look at them */
    thread_enter(thread);
  }
  task_enter(vm, task);
}

/* The VM's checkpoint, which follows at once, is that of the task as well. Full copies are made each time (R22, R23). */
static bool saved_with_vm(const struct vm *vm, const struct thread *owner) {
  return vm->tracked && vm->saves_due == 1 && vm->task_dirty[thread_number(vm, owner)].permanent == 0;
}

void switch_to_idle(struct vm *vm) {
  if (vm->owner == vm->kernel) {
    return;
  }
  if (saved_with_vm(vm, vm->owner)) {
    owner_stop(vm);
    (void)task_save_due(vm, vm->owner);
  } else {
    owner_leave(vm);
  }
  vm->owner = vm->kernel; /* TPIDRURW stays that of the task: a kernel with tasks has none of its own (docs/vmi.md) */
}

void switch_to_kernel_call(struct vm *vm, const struct context *caller) {
  if (!vm_call_is_pure(vm, caller->r[12])) {
    vm->owner->impure = 1;
  }
  kernel_call(vm, caller);
}
