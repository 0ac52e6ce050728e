// SPDX-License-Identifier: Apache-2.0
#include "core/action.h"

#include "core/console.h"
#include "core/fault.h"
#include "core/guest_access.h"
#include "core/outside.h"
#include "core/print.h"
#include "core/standby.h"
#include "core/task.h"
#include "core/vmm_fault.h"

#define THUMB_LONG 0xe800u /* a first halfword from here on is that of 32 bits (ARM ARM A6.1) */

static uint32_t instruction_size(struct vm *vm, const struct context *frame) {
  uint16_t first = 0;
  if ((frame->cpsr & PSR_T) == 0) {
    return 4;
  }
  (void)guest_read(vm, &first, frame->pc, sizeof first);
  return first >= THUMB_LONG ? 4 : 2;
}

/* Go on behind the instruction that failed. After a prefetch abort there is none. */
static bool skip(struct vm *vm, const struct vmi_fault *record) {
  if (record->kind == VMI_FAULT_DATA || record->kind == VMI_FAULT_UNDEFINED) {
    struct context *frame = thread_frame(vm->thread);
    frame->pc += instruction_size(vm, frame);
  }
  return record->kind != VMI_FAULT_PREFETCH && record->kind != VMI_FAULT_ASYNC;
}

static bool restart_task(struct vm *vm, unsigned thread) {
  bool restarted = task_restart(vm, thread);
  vm->counters.task_restarts += restarted;
  return restarted;
}

static bool restart_warm(struct vm *vm) {
  struct vmi_fault damage;
  vm->counters.warm_resets++;
  return recovery_backup_is_sound(vm, KERNEL_THREAD, VMI_ACTION_WARM_RESET, &damage) && vm_warm_start(vm) == VMI_OK;
}

static bool go_back(struct vm *vm, struct vmi_fault *record) {
  bool gone = recovery_older_generation(vm, record);
  if (gone) {
    sched_yield(vm);
  }
  return gone;
}

/* false: not possible for this VM, task or fault. */
static bool act(struct vm *vm, struct vmi_fault *record, unsigned thread) {
  switch (record->action) {
    case VMI_ACTION_IGNORE:
    case VMI_ACTION_LOG:
      return skip(vm, record);
    case VMI_ACTION_TASK_RESTART:
      return restart_task(vm, thread);
    case VMI_ACTION_OLDER_GENERATION:
      return go_back(vm, record);
    case VMI_ACTION_WARM_RESET:
      return restart_warm(vm);
    case VMI_ACTION_COLD_RESTART:
      vm->counters.cold_restarts++;
      return vm_cold_start(vm) == VMI_OK;
    case VMI_ACTION_STANDBY:
      return standby_take_over(vm, record);
    case VMI_ACTION_SUSPEND:
      return vm_pause(vm) == VMI_OK;
    case VMI_ACTION_VM_STOP:
      outside_drop(vm);
      (void)vm_stop(vm);
      return true;
    case VMI_ACTION_SYSTEM_HALT:
      return true;
    default:
      return false;
  }
}

static _Noreturn void system_halt(void) {
  console_flush();
  while (fault_report()) {
  }
  print("[vmm] SYSTEM HALTED by policy\n");
  vmm_stop();
}

static void next_step(struct vm *vm, struct vmi_fault *record, unsigned thread) {
  enum vmi_action next = (enum vmi_action)vm->health.next[record->action];
  uint32_t now = health_time(record->time_lo, record->time_hi);
  uint8_t reason;
  enum vmi_action mildest = recovery_level(vm, &vm->threads[thread], &reason);
  if (record->reason == VMI_REASON_POLICY) {
    record->reason = VMI_REASON_UNAVAILABLE;
  }
  record->action = (uint8_t)health_escalate(&vm->health, next, mildest, now, &record->reason);
}

static void nothing_exchanged(struct vmi_fault *record) {
  record->pages = 0;
  record->old_table = 0;
  record->new_table = 0;
}

/* The fault that led here is told as it is; what is done stands in the record of the damage. */
void action_perform_checked(struct vm *vm, struct vmi_fault *record, unsigned thread) {
  struct vmi_fault damage;
  enum vmi_action action = (enum vmi_action)record->action;
  if (!action_is_rollback(record->action) || recovery_backup_is_sound(vm, thread, action, &damage)) {
    action_perform(vm, record, thread);
    return;
  }
  nothing_exchanged(record);
  record->action = VMI_ACTION_LOG;
  record->reason = VMI_REASON_UNAVAILABLE;
  action_log(record);
  fault_backup(vm, action == VMI_ACTION_TASK_ROLLBACK ? thread : KERNEL_THREAD, (enum vmi_action)(action + 1), &damage);
}

void action_perform_other(struct vm *vm, struct vmi_fault *record, unsigned thread) {
  nothing_exchanged(record);
  while (!act(vm, record, thread)) {
    next_step(vm, record, thread);
    if (action_is_rollback(record->action)) {
      action_perform_checked(vm, record, thread);
      return;
    }
  }
  if (record->action > VMI_ACTION_LOG && record->action < VMI_ACTION_STANDBY) { /* a stand-in has counted already */
    action_count(vm);
  }
  if (record->action != VMI_ACTION_IGNORE) {
    action_log(record);
  }
  if (record->action == VMI_ACTION_SYSTEM_HALT) {
    system_halt();
  }
}
