/* SPDX-License-Identifier: Apache-2.0 */
/* What the health monitor decided is done (R28..R30, D5). */
#ifndef CORE_ACTION_H
#define CORE_ACTION_H

#include "core/fault_log.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "drivers/global_timer.h"

/* The record is complete but for what the action adds: how long all of it took. From now on people can see it. */
static inline void action_log(struct vmi_fault *record) {
  record->cost = timer_now_low() - record->time_lo;
  fault_log_commit(record);
  sched_poll();
}

/* Guest and console see that the VM, or a task of it, was recovered. */
static inline void action_count(struct vm *vm) {
  vm->info->recoveries = ++vm->recoveries;
}

/* To the last checkpoint. */
static inline bool action_is_rollback(uint8_t action) {
  return action == VMI_ACTION_TASK_ROLLBACK || action == VMI_ACTION_VM_ROLLBACK;
}

/* All actions but the two rollbacks. One that is not possible leads on to the next one of the policy (enum vmi_action). */
void action_perform_other(struct vm *vm, struct vmi_fault *record, unsigned task);

/* As action_perform, but a rollback only after a look at the checksums of what it would bring back: see fault_backup. */
void action_perform_checked(struct vm *vm, struct vmi_fault *record, unsigned thread);

/*
 * Does record->action with the VM and, where it is about one, the task, and logs the record. thread: number in vm->threads.
 * Does not return from VMI_ACTION_SYSTEM_HALT.
 */
static inline void action_perform(struct vm *vm, struct vmi_fault *record, unsigned thread) {
  if (record->action == VMI_ACTION_TASK_ROLLBACK) {
    recovery_rollback_task(vm, thread, record);
  } else if (record->action == VMI_ACTION_VM_ROLLBACK) {
    recovery_rollback_vm(vm, record);
    sched_yield(vm); /* the switch to the next guest completes it (R29) */
  } else {
    action_perform_other(vm, record, thread);
    return;
  }
  action_count(vm);
  action_log(record);
}

#endif
