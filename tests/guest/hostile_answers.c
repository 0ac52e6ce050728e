/* SPDX-License-Identifier: Apache-2.0 */
/* The errors of each call, from docs/vmi.md. */
#include "hostile.h"

#define E(error) (1u << -(error))
#define POSITIVE 1u /* VMI_OK or a number above */
#define ANYTHING 0xffffffffu

enum right { TASKS, KERNELS, MANAGER };

struct answers {
  uint32_t number;
  uint32_t possible; /* POSITIVE | E(...) */
  enum right right;
};

static const struct answers table[] = {
    {VMI_VERSION, POSITIVE, TASKS},
    {VMI_TIME, ANYTHING, TASKS},
    {VMI_CONSOLE_WRITE, POSITIVE | E(VMI_EINVAL) | E(VMI_EFAULT), TASKS},
    {VMI_CONSOLE_READ, POSITIVE | E(VMI_EINVAL) | E(VMI_EFAULT), KERNELS},
    {VMI_YIELD, POSITIVE, TASKS},
    {VMI_WAIT, ANYTHING, KERNELS},
    {VMI_IRQ_POLL, POSITIVE, KERNELS},
    {VMI_TIMER_SET, POSITIVE | E(VMI_EINVAL), KERNELS},
    {VMI_TASK_CREATE, POSITIVE | E(VMI_EINVAL) | E(VMI_ESTATE) | E(VMI_ENOENT), KERNELS},
    {VMI_TASK_DELETE, POSITIVE | E(VMI_ENOENT), KERNELS},
    {VMI_TASK_SUSPEND, POSITIVE | E(VMI_ENOENT), KERNELS},
    {VMI_TASK_RESUME, POSITIVE | E(VMI_ENOENT), KERNELS},
    {VMI_TASK_PRIORITY, POSITIVE | E(VMI_EINVAL) | E(VMI_ENOENT), KERNELS},
    {VMI_TASK_SWITCH, E(VMI_ESTATE) | E(VMI_EAGAIN) | E(VMI_ENOENT), KERNELS}, /* no task is ready: hostile_kernel.c */
    {VMI_TASK_RESULT, POSITIVE | E(VMI_ESTATE) | E(VMI_ENOENT), KERNELS},
    {VMI_TASK_RETURN, E(VMI_ESTATE) | E(VMI_EAGAIN) | E(VMI_ENOENT), KERNELS},
    {VMI_CHANNEL_NOTIFY, E(VMI_ENOENT), TASKS}, /* these VMs have no channel */
    {VMI_READY, POSITIVE, KERNELS},
    {VMI_PANIC, POSITIVE, TASKS}, /* but it is not called: it would end the test */
    {VMI_CHECKPOINT, POSITIVE | E(VMI_ESTATE), KERNELS},
    {VMI_OBJECT, POSITIVE | E(VMI_EINVAL) | E(VMI_EFAULT) | E(VMI_ESTATE), KERNELS},
    {VMI_VM_INFO, POSITIVE | E(VMI_EFAULT) | E(VMI_ENOENT), MANAGER},
    {VMI_GUEST_INFO, POSITIVE | E(VMI_EFAULT) | E(VMI_ENOENT), MANAGER},
    {VMI_TASK_INFO, POSITIVE | E(VMI_EFAULT) | E(VMI_ENOENT), MANAGER},
    {VMI_VM_CREATE, POSITIVE | E(VMI_ESTATE) | E(VMI_ENOENT) | E(VMI_ENOMEM), MANAGER},
    {VMI_VM_START, POSITIVE | E(VMI_ESTATE) | E(VMI_ENOENT), MANAGER},
    {VMI_VM_STOP, POSITIVE | E(VMI_EPERM) | E(VMI_ESTATE) | E(VMI_ENOENT), MANAGER},
    {VMI_VM_PAUSE, POSITIVE | E(VMI_EPERM) | E(VMI_ESTATE) | E(VMI_ENOENT), MANAGER},
    {VMI_VM_RESUME, POSITIVE | E(VMI_ESTATE) | E(VMI_ENOENT), MANAGER},
    {VMI_VM_DESTROY, POSITIVE | E(VMI_EPERM) | E(VMI_ESTATE) | E(VMI_ENOENT), MANAGER},
    {VMI_VM_CHECKPOINT, POSITIVE | E(VMI_ESTATE) | E(VMI_ENOENT), MANAGER},
    {VMI_VM_ROLLBACK, POSITIVE | E(VMI_ESTATE) | E(VMI_ENOENT), MANAGER},
    {VMI_FAULT_READ, POSITIVE | E(VMI_EFAULT) | E(VMI_EAGAIN) | E(VMI_ENOENT), MANAGER},
    {VMI_POLICY_READ, POSITIVE | E(VMI_EFAULT) | E(VMI_ENOENT), MANAGER},
    {VMI_POLICY_SET, POSITIVE | E(VMI_EINVAL) | E(VMI_EFAULT) | E(VMI_ENOENT), MANAGER},
    {VMI_VM_TAKE_OVER, POSITIVE | E(VMI_ESTATE) | E(VMI_ENOENT), MANAGER},
    {VMI_SCRUB, POSITIVE | E(VMI_EFAULT), MANAGER},
    {VMI_BLACK_BOX, POSITIVE | E(VMI_EFAULT) | E(VMI_ENOENT), MANAGER},
    {VMI_VM_LOG, POSITIVE | E(VMI_EINVAL) | E(VMI_EFAULT) | E(VMI_ENOENT), MANAGER},
    {VMI_VM_WORDS, POSITIVE | E(VMI_EFAULT) | E(VMI_EAGAIN) | E(VMI_ENOENT), MANAGER},
    {VMI_WATCH, POSITIVE | E(VMI_EINVAL), MANAGER},
    {VMI_HALT, 0, MANAGER},
};

static const struct answers *answers_of(uint32_t number) {
  for (uint32_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
    if (table[i].number == number) {
      return &table[i];
    }
  }
  return NULL;
}

static bool allowed(enum hostile_caller caller, enum right right) {
  switch (right) {
    case TASKS:
      return true;
    case KERNELS:
      return caller != HOSTILE_TASK;
    default:
      return caller == HOSTILE_MANAGER;
  }
}

bool hostile_answer_valid(enum hostile_caller caller, uint32_t number, int32_t value) {
  const struct answers *answers = answers_of(number);

  if (caller == HOSTILE_TASK && number >= VMI_GUEST_CALL && number <= VMI_GUEST_CALL_MAX) {
    return (uint32_t)value == CALL_ANSWER;
  }
  if (answers == NULL) {
    return value == VMI_ENOCALL;
  }
  if (!allowed(caller, answers->right)) {
    return value == VMI_EPERM;
  }
  if (answers->possible == ANYTHING) {
    return true;
  }
  if (value >= 0) {
    return (answers->possible & POSITIVE) != 0;
  }
  return value >= VMI_ENOMEM && (answers->possible & E(value)) != 0;
}
