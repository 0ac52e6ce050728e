/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that only look. Their results go to a buffer in the caller's stack. */
#include "handlers.h"
#include "task_table.h"

static void describe_waiters(const struct os_event *event, struct os_event_query *query) {
  for (INT32U left = event->waiters; left != 0; left &= left - 1) {
    INT8U prio = os_tasks[__builtin_ctz(left)].prio_now;

    query->waiting[prio >> 3] |= (INT8U)(1u << (prio & 7u));
    query->waiting_group |= (INT8U)(1u << (prio >> 3));
  }
}

/* a0: event, a1: its type, a2: struct os_event_query */
os_result os_event_query(const INT32U *a) {
  INT8U error;
  struct os_event *event = os_event_find(a[0], (enum os_event_type)a[1], &error);
  struct os_event_query *query = os_caller_buffer(a[2], sizeof(*query));

  if (event == NULL || event->type == EVENT_FREE) {
    return os_error(error);
  }
  if (query == NULL) {
    return os_error(OS_ERR_PDATA_NULL);
  }
  *query = (struct os_event_query){
      .value = event->value,
      .owner_prio = event->owner != NULL ? event->owner->prio : OS_PRIO_SELF,
      .ceiling = event->ceiling,
  };
  if (event->queue != NULL) {
    query->value = os_queue_first(event->queue);
    query->q_messages = os_queue_count(event->queue);
    query->q_size = os_queue_size(event->queue);
  }
  describe_waiters(event, query);
  return os_error(OS_ERR_NONE);
}

static void describe_task(const struct os_task *task, OS_TCB *data) {
  const struct os_task_config *config = &os_task_table[os_slot(task)];

  *data = (OS_TCB){
      .OSTCBStkBottom = config->stack_base,
      .OSTCBStkSize = (INT32U)(config->stack_top - config->stack_base),
      .OSTCBExtPtr = (void *)task->extension,
      .OSTCBEventPtr = task->event,
      .OSTCBDly = os_delay_left(task),
      .OSTCBCtxSwCtr = task->switches,
      .OSTCBOpt = task->options,
      .OSTCBId = task->id,
      .OSTCBStat = task->stat,
      .OSTCBPrio = task->prio_now,
  };
}

/* a0: priority, a1: OS_TCB */
os_result os_task_query(const INT32U *a) {
  struct os_task *task = os_task_find(a[0]);
  OS_TCB *data = os_caller_buffer(a[1], sizeof(*data));

  if (a[0] > OS_LOWEST_PRIO && a[0] != OS_PRIO_SELF) {
    return os_error(OS_ERR_PRIO_INVALID);
  }
  if (task == NULL) {
    return os_error(a[0] <= OS_LOWEST_PRIO && os_prio_table[a[0]] != NULL ? OS_ERR_TASK_NOT_EXIST : OS_ERR_PRIO);
  }
  if (data == NULL) {
    return os_error(OS_ERR_PDATA_NULL);
  }
  describe_task(task, data);
  return os_error(OS_ERR_NONE);
}
