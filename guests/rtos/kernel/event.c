/* SPDX-License-Identifier: Apache-2.0 */
/* What semaphores, mutexes, mailboxes, queues and flag groups have in common: handles, waiting, deletion. */
#include "handlers.h"

struct os_event os_events[OS_MAX_EVENTS];

struct os_event *os_event_create(enum os_event_type type) {
  for (INT32U i = 0; i < OS_MAX_EVENTS; i++) {
    if (os_events[i].type == EVENT_FREE) {
      os_events[i] = (struct os_event){.type = (INT8U)type};
      return &os_events[i];
    }
  }
  return NULL;
}

/* Handles come from tasks: anything but the address of an event of that type is refused. */
struct os_event *os_event_find(INT32U handle, enum os_event_type type, INT8U *error) {
  INT32U offset = handle - (INT32U)os_events;
  struct os_event *event = NULL;

  if (handle == 0) {
    *error = OS_ERR_PEVENT_NULL;
  } else if (offset >= sizeof(os_events) || offset % sizeof(os_events[0]) != 0 ||
             os_events[offset / sizeof(os_events[0])].type != (INT8U)type) {
    *error = OS_ERR_EVENT_TYPE;
  } else {
    *error = OS_ERR_NONE;
    event = &os_events[offset / sizeof(os_events[0])];
  }
  return event;
}

/* The waiting task with the highest priority, or NULL. Bounded by the number of task windows. */
struct os_task *os_event_best(const struct os_event *event) {
  struct os_task *best = NULL;

  for (INT32U left = event->waiters; left != 0; left &= left - 1) {
    struct os_task *task = &os_tasks[__builtin_ctz(left)];

    if (best == NULL || task->prio_now < best->prio_now) {
      best = task;
    }
  }
  return best;
}

/* The caller waits; whoever wakes it delivers the result of its call. */
os_result os_event_wait(struct os_event *event, INT8U stat, INT32U timeout) {
  INT32U slot = os_slot(os_current);

  port_task_unready(slot);
  os_current->stat |= stat;
  os_current->event = event;
  event->waiters |= (INT16U)(1u << slot);
  if (timeout != 0) {
    os_delay_insert(os_current, timeout);
  }
  return OS_BLOCKED;
}

/* Takes a task off the event it waits for, if it waits for one. */
void os_event_leave(struct os_task *task) {
  if (task->event != NULL) {
    task->event->waiters &= (INT16U) ~(1u << os_slot(task));
    task->event = NULL;
    task->stat &= OS_STAT_SUSPEND;
  }
}

void os_event_wake(struct os_task *task, INT32U value, INT8U error) {
  os_event_leave(task);
  os_delay_remove(task);
  port_task_result(os_slot(task), value, error);
  os_task_settle(task);
}

static void event_free(struct os_event *event) {
  while (event->waiters != 0) {
    os_event_wake(os_event_best(event), 0, OS_ERR_PEND_ABORT);
  }
  if (event->type == EVENT_MUTEX) {
    os_mutex_forget(event);
  }
  if (event->queue != NULL) {
    os_queue_free(event->queue);
  }
  event->type = EVENT_FREE;
}

/* a0: event, a1: its type, a2: OS_DEL_... The value is what the caller keeps as its handle: null when it is gone. */
os_result os_event_del(const INT32U *a) {
  INT8U error;
  struct os_event *event = os_event_find(a[0], (enum os_event_type)a[1], &error);

  if (event == NULL || a[1] == EVENT_FREE) {
    return os_value_error(a[0], error);
  }
  if (a[2] > OS_DEL_ALWAYS) {
    return os_value_error(a[0], OS_ERR_INVALID_OPT);
  }
  if (a[2] == OS_DEL_NO_PEND && event->waiters != 0) {
    return os_value_error(a[0], OS_ERR_TASK_WAITING);
  }
  event_free(event);
  return os_ok(0);
}
