/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tick and the delay list. Each entry of the list counts from the one before it, so a tick costs the same
 * however many tasks sleep, and does not depend on OSTime, which tasks may set.
 */
#include "handlers.h"
#include "kernel.h"

volatile INT32U OSTime;

struct os_task *os_delay_head;

void os_delay_insert(struct os_task *task, INT32U ticks) {
  struct os_task *before = NULL;
  struct os_task *after = os_delay_head;

  while (after != NULL && after->delay <= ticks) {
    ticks -= after->delay;
    before = after;
    after = after->delay_next;
  }
  task->delay = ticks;
  task->delayed = true;
  task->delay_prev = before;
  task->delay_next = after;
  if (before != NULL) {
    before->delay_next = task;
  } else {
    os_delay_head = task;
  }
  if (after != NULL) {
    after->delay -= ticks;
    after->delay_prev = task;
  }
}

void os_delay_remove(struct os_task *task) {
  struct os_task *after = task->delay_next;

  if (!task->delayed) {
    return;
  }
  if (after != NULL) {
    after->delay += task->delay;
    after->delay_prev = task->delay_prev;
  }
  if (task->delay_prev != NULL) {
    task->delay_prev->delay_next = after;
  } else {
    os_delay_head = after;
  }
  task->delayed = false;
}

INT32U os_delay_left(const struct os_task *task) {
  INT32U ticks = 0;

  if (task->delayed) {
    for (const struct os_task *t = task; t != NULL; t = t->delay_prev) {
      ticks += t->delay;
    }
  }
  return ticks;
}

/* The delay of a task ended: a wait for an event has timed out, a plain delay is over. */
static void expire(struct os_task *task) {
  if (task->event != NULL) {
    os_event_wake(task, 0, OS_ERR_TIMEOUT);
  } else {
    os_delay_remove(task);
    os_task_settle(task);
  }
}

void os_tick(void) {
  OSTime++;
  OSTimeTickHook();
  if (os_delay_head == NULL) {
    return;
  }
  os_delay_head->delay--;
  while (os_delay_head != NULL && os_delay_head->delay == 0) {
    expire(os_delay_head);
  }
}

os_result os_time_get(const INT32U *a) {
  (void)a;
  return os_ok(OSTime);
}

os_result os_time_set(const INT32U *a) {
  OSTime = a[0];
  return os_ok(0);
}

/* a0: ticks. With the scheduler locked nobody else may run, so there is nothing to wait for. */
os_result os_time_dly(const INT32U *a) {
  if (a[0] == 0 || OSLockNesting != 0) {
    return os_ok(0);
  }
  port_task_unready(os_slot(os_current));
  os_delay_insert(os_current, a[0]);
  return OS_BLOCKED;
}

/* a0: priority. A task that waits for an event with a time-out sees the time-out. */
os_result os_time_dly_resume(const INT32U *a) {
  struct os_task *task = os_task_find(a[0]);

  if (a[0] > OS_LOWEST_PRIO) {
    return os_error(OS_ERR_PRIO_INVALID);
  }
  if (task == NULL) {
    return os_error(OS_ERR_TASK_NOT_EXIST);
  }
  if (!task->delayed) {
    return os_error(OS_ERR_TIME_NOT_DLY);
  }
  expire(task);
  return os_error(OS_ERR_NONE);
}
