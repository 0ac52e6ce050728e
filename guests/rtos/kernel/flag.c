/* SPDX-License-Identifier: Apache-2.0 */
/* Event flags. */
#include "handlers.h"

static struct os_event *find(INT32U handle, INT8U *error) {
  struct os_event *group = os_event_find(handle, EVENT_FLAG, error);

  if (*error == OS_ERR_PEVENT_NULL) {
    *error = OS_ERR_FLAG_INVALID_PGRP;
  }
  return group;
}

/* Which of the wanted flags are as wanted; 0: the condition does not hold. */
static OS_FLAGS satisfied(OS_FLAGS value, OS_FLAGS wanted, INT8U wait) {
  INT8U type = wait & (INT8U)~OS_FLAG_CONSUME;
  bool clear = type == OS_FLAG_WAIT_CLR_ALL || type == OS_FLAG_WAIT_CLR_ANY;
  bool all = type == OS_FLAG_WAIT_CLR_ALL || type == OS_FLAG_WAIT_SET_ALL;
  OS_FLAGS ready = (clear ? ~value : value) & wanted;

  return all && ready != wanted ? 0 : ready;
}

static void consume(struct os_event *group, OS_FLAGS ready, INT8U wait) {
  INT8U type = wait & (INT8U)~OS_FLAG_CONSUME;

  if ((wait & OS_FLAG_CONSUME) == 0) {
    return;
  }
  if (type == OS_FLAG_WAIT_CLR_ALL || type == OS_FLAG_WAIT_CLR_ANY) {
    group->value |= ready;
  } else {
    group->value &= ~ready;
  }
}

static bool is_wait_type(INT32U wait) {
  return (wait & ~OS_FLAG_CONSUME) <= OS_FLAG_WAIT_SET_ANY;
}

/* a0: flags */
os_result os_flag_create(const INT32U *a) {
  struct os_event *group = os_event_create(EVENT_FLAG);

  if (group == NULL) {
    return os_error(OS_ERR_FLAG_GRP_DEPLETED);
  }
  group->value = a[0];
  return os_ok((INT32U)group);
}

/* a0: group, a1: flags, a2: OS_FLAG_WAIT_... The value is the flags that satisfied the condition. */
os_result os_flag_accept(const INT32U *a) {
  INT8U error;
  struct os_event *group = find(a[0], &error);
  OS_FLAGS ready;

  if (group == NULL) {
    return os_error(error);
  }
  if (!is_wait_type(a[2])) {
    return os_error(OS_ERR_FLAG_WAIT_TYPE);
  }
  ready = satisfied(group->value, a[1], (INT8U)a[2]);
  if (ready == 0) {
    return os_error(OS_ERR_FLAG_NOT_RDY);
  }
  consume(group, ready, (INT8U)a[2]);
  return os_ok(ready);
}

/* As os_flag_accept, with a3: time-out. */
os_result os_flag_pend(const INT32U *a) {
  os_result result = os_flag_accept(a);

  if (result != os_error(OS_ERR_FLAG_NOT_RDY)) {
    return result;
  }
  if (OSLockNesting != 0) {
    return os_error(OS_ERR_PEND_LOCKED);
  }
  os_current->flags = a[1];
  os_current->flag_wait = (INT8U)a[2];
  return os_event_wait((struct os_event *)a[0], OS_STAT_FLAG, a[3]);
}

/*
 * Wakes everybody whose condition the new value satisfies. All are judged by the value posted, and what they
 * consume goes after.
 */
static void wake_satisfied(struct os_event *group) {
  OS_FLAGS posted = group->value;

  for (INT32U left = group->waiters; left != 0; left &= left - 1) {
    struct os_task *task = &os_tasks[__builtin_ctz(left)];
    OS_FLAGS ready = satisfied(posted, task->flags, task->flag_wait);

    if (ready != 0) {
      consume(group, ready, task->flag_wait);
      os_event_wake(task, ready, OS_ERR_NONE);
    }
  }
}

/* a0: group, a1: flags, a2: OS_FLAG_SET or OS_FLAG_CLR. The value is the new flags. */
os_result os_flag_post(const INT32U *a) {
  INT8U error;
  struct os_event *group = find(a[0], &error);

  if (group == NULL) {
    return os_error(error);
  }
  if (a[2] > OS_FLAG_SET) {
    return os_error(OS_ERR_FLAG_INVALID_OPT);
  }
  group->value = a[2] == OS_FLAG_SET ? group->value | a[1] : group->value & ~a[1];
  wake_satisfied(group);
  return os_ok(group->value);
}

/* a0: group */
os_result os_flag_query(const INT32U *a) {
  INT8U error;
  struct os_event *group = find(a[0], &error);

  return group != NULL ? os_ok(group->value) : os_error(error);
}
