/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mutexes. Each reserves a ceiling priority; the owner is raised to it when a more urgent task has to wait.
 * A task may hold several, in any order of release.
 */
#include "handlers.h"

static void take(struct os_event *mutex, struct os_task *task) {
  mutex->owner = task;
  mutex->raised = false;
  mutex->held_next = task->held;
  task->held = mutex;
}

static void release(struct os_event *mutex) {
  struct os_event **link = &mutex->owner->held;

  while (*link != mutex) {
    link = &(*link)->held_next;
  }
  *link = mutex->held_next;
  mutex->owner = NULL;
}

/* The priority of a task after it released a mutex or got a new priority of its own. */
void os_mutex_restore(struct os_task *task) {
  INT8U prio = task->prio;

  for (const struct os_event *mutex = task->held; mutex != NULL; mutex = mutex->held_next) {
    if (mutex->raised && mutex->ceiling < prio) {
      prio = mutex->ceiling;
    }
  }
  os_task_set_priority(task, prio);
}

static void raise_owner(struct os_event *mutex) {
  struct os_task *owner = mutex->owner;

  if (mutex->ceiling != OS_PRIO_MUTEX_CEIL_DIS && owner->prio_now > mutex->ceiling &&
      owner->prio > os_current->prio_now) {
    mutex->raised = true;
    os_task_set_priority(owner, mutex->ceiling);
  }
}

/* A ceiling less urgent than its user cannot do its work: the user is told, and has the mutex all the same. */
static INT8U ceiling_error(const struct os_event *mutex, const struct os_task *task) {
  bool low = mutex->ceiling != OS_PRIO_MUTEX_CEIL_DIS && task->prio <= mutex->ceiling;

  return low ? OS_ERR_PIP_LOWER : OS_ERR_NONE;
}

/* The owner gives it up: the waiting task with the highest priority has it now, or nobody. */
void os_mutex_hand_over(struct os_event *mutex) {
  struct os_task *old = mutex->owner;
  struct os_task *next = os_event_best(mutex);

  release(mutex);
  os_mutex_restore(old);
  if (next != NULL) {
    take(mutex, next);
    os_event_wake(next, 0, ceiling_error(mutex, next));
  }
}

void os_mutex_release_all(struct os_task *task) {
  while (task->held != NULL) {
    os_mutex_hand_over(task->held);
  }
}

/* Its last trace, when it is deleted. */
void os_mutex_forget(struct os_event *mutex) {
  struct os_task *owner = mutex->owner;

  if (owner != NULL) {
    release(mutex);
    os_mutex_restore(owner);
  }
  if (mutex->ceiling != OS_PRIO_MUTEX_CEIL_DIS) {
    os_prio_table[mutex->ceiling] = NULL;
  }
}

/* a0: ceiling priority */
os_result os_mutex_create(const INT32U *a) {
  struct os_event *mutex;

  if (a[0] > OS_LOWEST_PRIO && a[0] != OS_PRIO_MUTEX_CEIL_DIS) {
    return os_error(OS_ERR_PRIO_INVALID);
  }
  if (a[0] != OS_PRIO_MUTEX_CEIL_DIS && os_prio_table[a[0]] != NULL) {
    return os_error(OS_ERR_PRIO_EXIST);
  }
  mutex = os_event_create(EVENT_MUTEX);
  if (mutex == NULL) {
    return os_error(OS_ERR_PEVENT_NULL);
  }
  mutex->ceiling = (INT8U)a[0];
  if (mutex->ceiling != OS_PRIO_MUTEX_CEIL_DIS) {
    os_prio_table[mutex->ceiling] = &os_prio_reserved;
  }
  return os_ok((INT32U)mutex);
}

/* a0: mutex, a1: time-out */
os_result os_mutex_pend(const INT32U *a) {
  INT8U error;
  struct os_event *mutex = os_event_find(a[0], EVENT_MUTEX, &error);

  if (mutex == NULL) {
    return os_error(error);
  }
  if (OSLockNesting != 0) {
    return os_error(OS_ERR_PEND_LOCKED);
  }
  if (mutex->owner == NULL) {
    take(mutex, os_current);
    return os_error(ceiling_error(mutex, os_current));
  }
  raise_owner(mutex);
  return os_event_wait(mutex, OS_STAT_MUTEX, a[1]);
}

/* a0: mutex */
os_result os_mutex_post(const INT32U *a) {
  INT8U error;
  struct os_event *mutex = os_event_find(a[0], EVENT_MUTEX, &error);

  if (mutex == NULL) {
    return os_error(error);
  }
  if (mutex->owner != os_current) {
    return os_error(OS_ERR_NOT_MUTEX_OWNER);
  }
  os_mutex_hand_over(mutex);
  return os_error(OS_ERR_NONE);
}

/* a0: mutex. The value is OS_TRUE: taken. */
os_result os_mutex_accept(const INT32U *a) {
  INT8U error;
  struct os_event *mutex = os_event_find(a[0], EVENT_MUTEX, &error);

  if (mutex == NULL) {
    return os_error(error);
  }
  if (mutex->owner != NULL) {
    return os_ok(OS_FALSE);
  }
  take(mutex, os_current);
  return os_value_error(OS_TRUE, ceiling_error(mutex, os_current));
}
