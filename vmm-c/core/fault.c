/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fault.h"

#include "arch/armv7/fault_status.h"
#include "arch/armv7/mmu.h"
#include "core/action.h"
#include "core/fault_log.h"
#include "core/fault_refine.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "core/standby.h"
#include "drivers/global_timer.h"

/* Who and when. What a record's slot had in its former life must be set by somebody. */
static void log_begin(struct vmi_fault *record, const struct vm *vm, uint8_t task) {
  uint64_t now = timer_now();
  uint32_t window = record->address / VMI_WINDOW_SIZE;
  record->time_lo = (uint32_t)now;
  record->time_hi = (uint32_t)(now >> 32);
  record->vm = vm->index;
  record->task = task;
  record->owner_window = window < WINDOW_COUNT ? (uint8_t)window : 0xff;
}

static uint8_t task_number(const struct vm *vm, const struct thread *thread) {
  return thread == vm->kernel ? (uint8_t)VMI_TASK_KERNEL : (uint8_t)thread_number(vm, thread);
}

__attribute__((always_inline)) static inline void decide(struct vm *vm, struct vmi_fault *record,
                                                         struct thread *thread) {
  log_begin(record, vm, task_number(vm, thread));
  unsigned number = thread_number(vm, thread);
  enum vmi_action mildest = recovery_level(vm, thread, &record->reason);
  uint32_t now = health_time(record->time_lo, record->time_hi);
  vm->counters.faults++;
  if (health_agrees(&vm->health, number, record->class, mildest, now)) {
    record->action = (uint8_t)mildest;
    action_perform(vm, record, number);
    return;
  }
  record->action = (uint8_t)health_choose(&vm->health, number, record->class, mildest, now, &record->reason);
  if (action_is_rollback(record->action)) {
    action_perform_checked(vm, record, number);
  } else {
    action_perform_other(vm, record, number);
  }
}

/* D1: who executed is at fault, whatever the address. */
static void fault_handle(struct vmi_fault *record, const struct context *frame) {
  struct vm *vm = current_vm;
  struct thread *at_fault = vm->thread;
  record->pc = frame->pc;
  if ((record->class & FAULT_REFINE) != 0) {
    at_fault = fault_refine(vm, record);
  }
  decide(vm, record, at_fault);
  sched_resume();
}

void fault_data(struct context *frame) {
  uint32_t status = read_dfsr();
  uint32_t address = read_dfar();
  uint32_t access = fault_access(status);
  if (access == (FS_PERMISSION_PAGE | FAULT_WRITE) && recovery_first_write(current_vm, address)) {
    return;
  }
  struct vmi_fault *record = fault_log_begin();
  record->kind = VMI_FAULT_DATA;
  record->class = fault_data_classes[access];
  record->write = (uint8_t)(access / FAULT_WRITE);
  record->status = status;
  record->address = address;
  fault_handle(record, frame);
}

void fault_prefetch(struct context *frame) {
  struct vmi_fault *record = fault_log_begin();
  record->kind = VMI_FAULT_PREFETCH;
  record->status = read_ifsr();
  record->class = fault_prefetch_classes[vmi_fault_status(record->status)];
  record->write = 0;
  record->address = read_ifar();
  fault_handle(record, frame);
}

/*
 * While FPEXC.EN is 0 every VFP instruction is undefined, so the first undefined instruction of a slice loads the
 * thread's VFP registers and is tried again; if it comes back, it is really undefined.
 */
static bool vfp_demanded(struct vm *vm) {
  struct thread *owner = vm->owner;
  if (vfp_enabled()) {
    return false;
  }
  vfp_set_enabled(true);
  vfp_load(&vm->vfp[thread_number(vm, owner)][owner->vfp_active]);
  owner->unsaved = 1;
  vm->unsaved = 1;
  return true;
}

/* The entry code stores the address after the instruction (ARM ARM B1.8.2, table B1-7). */
void fault_undefined(struct context *frame) {
  frame->pc -= (frame->cpsr & PSR_T) != 0 ? 2u : 4u;
  if (vfp_demanded(current_vm)) {
    return;
  }
  struct vmi_fault *record = fault_log_begin();
  record->kind = VMI_FAULT_UNDEFINED;
  record->class = VMI_CLASS_INSTRUCTION;
  record->write = 0;
  record->status = 0;
  record->address = frame->pc;
  fault_handle(record, frame);
}

static struct thread *thread_of(struct vm *vm, uint32_t task) {
  return task < VMI_TASK_MAX ? &vm->threads[task] : vm->kernel;
}

/* What a detector without an exception knows, and nothing of the slot's former life. */
static struct vmi_fault *record_of(const struct vmi_fault *what) {
  struct vmi_fault *record = fault_log_begin();
  *record = (struct vmi_fault){
      .kind = what->kind, .class = what->class, .address = what->address, .status = what->status, .pc = what->pc};
  return record;
}

void fault_event(struct vm *vm, uint32_t task, const struct vmi_fault *what) {
  decide(vm, record_of(what), thread_of(vm, task));
}

/* To go on without a recovery is no choice: there was a fault before. */
void fault_backup(struct vm *vm, unsigned thread, enum vmi_action mildest, const struct vmi_fault *what) {
  struct vmi_fault *record = record_of(what);
  enum vmi_action wanted = (enum vmi_action)vm->health.on[thread][VMI_CLASS_BACKUP];
  log_begin(record, vm, task_number(vm, &vm->threads[thread]));
  uint32_t now = health_time(record->time_lo, record->time_hi);
  record->reason = VMI_REASON_POLICY;
  record->action =
      (uint8_t)health_escalate(&vm->health, wanted > VMI_ACTION_LOG ? wanted : mildest, mildest, now, &record->reason);
  vm->counters.faults++;
  action_perform_checked(vm, record, thread);
}

void fault_note(struct vm *vm, const struct vmi_fault *what) {
  struct vmi_fault *record = record_of(what);
  log_begin(record, vm, VMI_TASK_KERNEL);
  record->action = VMI_ACTION_LOG;
  record->reason = VMI_REASON_POLICY;
  vm->counters.faults++;
  action_log(record);
}

static struct vm *late_vm; /* NULL: none waits */
static uint32_t late_task;
static struct vmi_fault late;
static struct vm
    *async_vm; /* likewise, of an asynchronous abort: it may come at any time, so it has words of its own */
static uint32_t async_status;

static void leave_to_be_raised(void) {
  scheduler.fault_waiting = true;
  scheduler.changed = 1;
}

void fault_later(struct vm *vm, uint32_t task, const struct vmi_fault *what) {
  if (late_vm == NULL) {
    late_vm = vm;
    late_task = task;
    late = *what;
  }
  leave_to_be_raised();
}

bool fault_in_vmm(uint32_t dfsr) {
  struct vm *vm = sched_last();
  if (!fault_is_asynchronous(dfsr) || vm == NULL) {
    return false;
  }
  async_vm = vm;
  async_status = dfsr;
  leave_to_be_raised();
  return true;
}

void fault_raise(void) {
  struct vm *vm = late_vm;
  struct vm *suspect = async_vm;
  scheduler.fault_waiting = false;
  late_vm = NULL;
  async_vm = NULL;
  if (vm != NULL) {
    fault_event(vm, late_task, &late);
  }
  if (suspect != NULL && suspect->run_state != VMI_VM_EMPTY) {
    fault_event(suspect, VMI_TASK_KERNEL,
                &(struct vmi_fault){.kind = VMI_FAULT_ASYNC, .class = VMI_CLASS_ASYNC, .status = async_status});
  }
}

int32_t fault_request_rollback(struct vm *vm, uint32_t task) {
  bool whole = task == VMI_TASK_KERNEL;
  if (!whole && !(task < vm->guest->task_count && ready_exists(&vm->tasks, task))) {
    return VMI_ENOENT;
  }
  if (vm->run_state == VMI_VM_EMPTY || !vm->tracked) {
    return VMI_ESTATE;
  }
  struct vmi_fault *record = fault_log_begin();
  *record = (struct vmi_fault){.kind = VMI_FAULT_REQUEST, .class = VMI_CLASS_REQUEST};
  log_begin(record, vm, whole ? (uint8_t)VMI_TASK_KERNEL : (uint8_t)task);
  record->action = (uint8_t)recovery_level(vm, whole ? vm->kernel : &vm->threads[task], &record->reason);
  action_perform_checked(vm, record, task);
  return VMI_OK;
}

int32_t fault_request_take_over(struct vm *vm) {
  if (!standby_is_whole(vm)) {
    return VMI_ESTATE;
  }
  struct vmi_fault *record = fault_log_begin();
  *record = (struct vmi_fault){
      .kind = VMI_FAULT_REQUEST, .class = VMI_CLASS_REQUEST, .action = VMI_ACTION_STANDBY, .reason = VMI_REASON_POLICY};
  log_begin(record, vm, (uint8_t)VMI_TASK_KERNEL);
  action_perform(vm, record, KERNEL_THREAD);
  return VMI_OK;
}
