/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fault.h"

#include "arch/armv7/fault_status.h"
#include "arch/armv7/mmu.h"
#include "core/action.h"
#include "core/fault_log.h"
#include "core/recovery.h"
#include "core/sched.h"
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
  record->action = (uint8_t)health_decide(&vm->health, number, record->class, mildest, now, &record->reason);
  vm->counters.faults++;
  action_perform(vm, record, number);
}

/* D1: who executed is at fault, whatever the address. */
static void fault_handle(struct vmi_fault *record) {
  decide(current_vm, record, current_vm->thread);
  sched_resume();
}

static void abort_handle(enum vmi_fault_kind kind, uint32_t status, uint32_t address, uint32_t pc) {
  struct vmi_fault *record = fault_log_begin();
  record->kind = (uint8_t)kind;
  record->class = fault_class(status);
  record->write = kind == VMI_FAULT_DATA && (status & DFSR_WRITE) != 0;
  record->status = status;
  record->address = address;
  record->pc = pc;
  fault_handle(record);
}

void fault_data(struct context *frame) {
  uint32_t status = read_dfsr();
  uint32_t address = read_dfar();
  if ((status & DFSR_WRITE) != 0 && fault_status(status) == FS_PERMISSION_PAGE &&
      recovery_first_write(current_vm, address)) {
    return;
  }
  abort_handle(VMI_FAULT_DATA, status, address, frame->pc);
}

void fault_prefetch(struct context *frame) {
  abort_handle(VMI_FAULT_PREFETCH, read_ifsr(), read_ifar(), frame->pc);
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
  record->pc = frame->pc;
  fault_handle(record);
}

static struct thread *thread_of(struct vm *vm, uint32_t task) {
  return task < VMI_TASK_MAX ? &vm->threads[task] : vm->kernel;
}

void fault_event(struct vm *vm, uint32_t task, const struct vmi_fault *what) {
  struct vmi_fault *record = fault_log_begin();
  *record = (struct vmi_fault){
      .kind = what->kind, .class = what->class, .address = what->address, .status = what->status, .pc = what->pc};
  decide(vm, record, thread_of(vm, task));
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
  action_perform(vm, record, task);
  return VMI_OK;
}
