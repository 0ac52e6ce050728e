/* SPDX-License-Identifier: Apache-2.0 */
/* Dispatch of calls (R4). Each handler checks everything first; a refused call has changed nothing. */
#include "core/vmi_dispatch.h"

#include "core/channel.h"
#include "core/console.h"
#include "core/guest_access.h"
#include "core/guest_report.h"
#include "core/manage.h"
#include "core/outside.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "core/scrub.h"
#include "core/task.h"
#include "core/virq.h"
#include "drivers/global_timer.h"

#define CONSOLE_WRITE_MAX 256u
#define CONSOLE_READ_MAX 256u
#define TIMER_PERIOD_MAX 63u

static int32_t call_version(struct vm *vm, struct context *frame) {
  (void)vm;
  (void)frame;
  return VMI_ABI_VERSION;
}

static int32_t call_time(struct vm *vm, struct context *frame) {
  (void)vm;
  uint64_t now = timer_now();
  frame->r[1] = (uint32_t)(now >> 32);
  return (int32_t)(uint32_t)now;
}

/* Going back by so much repeats a call, with its arguments still in the registers, when the caller runs again. */
static uint32_t svc_size(const struct context *frame) {
  return (frame->cpsr & PSR_T) != 0 ? 2u : 4u;
}

static int32_t call_console_write(struct vm *vm, struct context *frame) {
  char text[CONSOLE_WRITE_MAX];
  if (frame->r[1] > sizeof text) {
    return report_refused(vm, frame, VMI_EINVAL);
  }
  if (!guest_read(vm, text, frame->r[0], frame->r[1])) {
    return report_refused(vm, frame, VMI_EFAULT);
  }
  if (!console_write(vm->index, text, frame->r[1])) {
    frame->pc -= svc_size(frame);
    outside_wait(vm);
    return (int32_t)frame->r[0];
  }
  if (outside_is_held(vm)) {
    outside_note(vm, OUTSIDE_OUTPUT);
    vm->thread->impure = 1; /* a task that is rolled back alone would say it again (D6, D9); a kernel never is */
  }
  return (int32_t)frame->r[1];
}

static int32_t call_console_read(struct vm *vm, struct context *frame) {
  char text[CONSOLE_READ_MAX];
  uint32_t size = frame->r[1];
  if (size > sizeof text) {
    return VMI_EINVAL;
  }
  if (!guest_may_write(vm, frame->r[0], size)) {
    return VMI_EFAULT;
  }
  uint32_t taken = console_read(vm->index, text, size);
  guest_write(vm, frame->r[0], text, taken);
  outside_read(vm);
  return (int32_t)taken;
}

static int32_t call_yield(struct vm *vm, struct context *frame) {
  (void)frame;
  sched_give_up(vm);
  return VMI_OK;
}

static int32_t call_wait(struct vm *vm, struct context *frame) {
  (void)frame;
  if (virq_deliverable(vm) == 0) {
    switch_to_idle(vm);
  }
  vm->signs.waits++;
  vm->state.waiting = true;
  if ((vm->outside & OUTSIDE_BELLS) != 0) {
    outside_hurry(vm); /* it may wait for the answer */
  }
  sched_update(vm);
  return VMI_OK; /* replaced by the lines when the wait ends */
}

/* Nothing to do here: the way back into the guest delivers what is pending and not masked. */
static int32_t call_irq_poll(struct vm *vm, struct context *frame) {
  (void)vm;
  (void)frame;
  return VMI_OK;
}

static int32_t call_timer_set(struct vm *vm, struct context *frame) {
  uint32_t period = 0;
  uint32_t left = frame->r[0];
  while (left >= config_tick_us && period < TIMER_PERIOD_MAX) {
    left -= config_tick_us;
    period++;
  }
  if (left != 0) {
    return VMI_EINVAL;
  }
  sched_timer_set(vm, period);
  return VMI_OK;
}

static int32_t call_channel_notify(struct vm *vm, struct context *frame) {
  return channel_notify(vm, frame->r[0]);
}

/* After a rollback the guest goes on behind the call, too, so the result must be in the checkpoint. */
static int32_t call_checkpoint(struct vm *vm, struct context *frame) {
  frame->r[0] = VMI_OK;
  return recovery_safe_point(vm);
}

static int32_t call_object(struct vm *vm, struct context *frame) {
  return recovery_register_objects(vm, frame->r[0], frame->r[1]);
}

const struct vmi_call vmi_calls[VMI_CALL_COUNT] = {
    [VMI_VERSION] = {call_version, ANYBODY},
    [VMI_TIME] = {call_time, ANYBODY},
    [VMI_CONSOLE_WRITE] = {call_console_write, ANYBODY},
    [VMI_CONSOLE_READ] = {call_console_read, KERNEL},
    [VMI_YIELD] = {call_yield, YIELD},
    [VMI_WAIT] = {call_wait, KERNEL},
    [VMI_IRQ_POLL] = {call_irq_poll, KERNEL},
    [VMI_TIMER_SET] = {call_timer_set, KERNEL},
    [VMI_TASK_CREATE] = {task_create, KERNEL},
    [VMI_TASK_DELETE] = {task_delete, KERNEL},
    [VMI_TASK_SUSPEND] = {task_suspend, KERNEL},
    [VMI_TASK_RESUME] = {task_resume, KERNEL},
    [VMI_TASK_PRIORITY] = {task_priority, KERNEL},
    [VMI_TASK_SWITCH] = {task_switch, KERNEL},
    [VMI_TASK_RESULT] = {task_result, KERNEL},
    [VMI_TASK_RETURN] = {task_return, KERNEL},
    [VMI_CHANNEL_NOTIFY] = {call_channel_notify, ANYBODY},
    [VMI_READY] = {report_ready, KERNEL},
    [VMI_PANIC] = {report_panic, ANYBODY},
    [VMI_CHECKPOINT] = {call_checkpoint, KERNEL},
    [VMI_OBJECT] = {call_object, KERNEL},
    [VMI_VM_INFO] = {manage_vm_info, MANAGEMENT},
    [VMI_GUEST_INFO] = {manage_guest_info, MANAGEMENT},
    [VMI_VM_CREATE] = {manage_vm_create, MANAGEMENT},
    [VMI_VM_START] = {manage_vm_start, MANAGEMENT},
    [VMI_VM_STOP] = {manage_vm_stop, MANAGEMENT},
    [VMI_VM_PAUSE] = {manage_vm_pause, MANAGEMENT},
    [VMI_VM_RESUME] = {manage_vm_resume, MANAGEMENT},
    [VMI_VM_DESTROY] = {manage_vm_destroy, MANAGEMENT},
    [VMI_VM_CHECKPOINT] = {manage_vm_checkpoint, MANAGEMENT},
    [VMI_VM_ROLLBACK] = {manage_vm_rollback, MANAGEMENT},
    [VMI_FAULT_READ] = {manage_fault_read, MANAGEMENT},
    [VMI_VM_LOG] = {manage_vm_log, MANAGEMENT},
    [VMI_WATCH] = {manage_watch, MANAGEMENT},
    [VMI_HALT] = {manage_halt, MANAGEMENT},
    [VMI_BLACK_BOX] = {manage_black_box, MANAGEMENT},
    [VMI_VM_TAKE_OVER] = {manage_vm_take_over, MANAGEMENT},
    [VMI_TASK_INFO] = {manage_task_info, MANAGEMENT},
    [VMI_POLICY_READ] = {manage_policy_read, MANAGEMENT},
    [VMI_POLICY_SET] = {manage_policy_set, MANAGEMENT},
    [VMI_SCRUB] = {scrub_call, MANAGEMENT},
    [VMI_VM_WORDS] = {manage_vm_words, MANAGEMENT},
};

static bool allowed(const struct vm *vm, uint32_t caller) {
  return caller == ANYBODY || caller == YIELD || (vm_in_kernel(vm) && (caller == KERNEL || vm->config->management));
}

static int32_t vmi_call(struct vm *vm, struct context *frame, uint32_t number) {
  if (number >= VMI_CALL_COUNT || vmi_calls[number].caller == NOBODY) {
    return report_refused(vm, frame, VMI_ENOCALL);
  }
  if (!allowed(vm, vmi_calls[number].caller)) {
    return report_refused(vm, frame, VMI_EPERM);
  }
  int32_t result = vmi_calls[number].handler(vm, frame);
  return result < 0 && vmi_calls[number].caller != ANYBODY ? report_refused(vm, frame, result) : result;
}

void vmi_dispatch(struct context *frame) {
  struct vm *vm = current_vm;
  uint32_t number = frame->r[12];
  if (is_guest_call(number) && !vm_in_kernel(vm)) {
    switch_to_kernel_call(vm, frame);
  } else {
    frame->r[0] = (uint32_t)vmi_call(vm, frame, number);
  }
  sched_resume();
}
