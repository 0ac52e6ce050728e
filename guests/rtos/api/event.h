/* SPDX-License-Identifier: Apache-2.0 */
/* What the stubs of semaphores, mutexes, mailboxes and queues share. */
#ifndef EVENT_H
#define EVENT_H

#include "call.h"
#include "event_query.h"

static inline OS_EVENT *os_event_delete(OS_EVENT *event, INT32U type, INT8U opt, INT8U *perr) {
  if (perr == NULL) {
    return event;
  }
  return (OS_EVENT *)os_call_value(OS_CALL_EVENT_DEL, address(event), type, opt, 0, perr);
}

/* Fills `query`, which must lie in the caller's stack: the kernel writes nowhere else. */
static inline INT8U os_event_ask(OS_EVENT *event, INT32U type, const void *result, struct os_event_query *query) {
  if (result == NULL) {
    return OS_ERR_PDATA_NULL;
  }
  return os_call_error(OS_CALL_EVENT_QUERY, address(event), type, address(query), 0);
}

static inline void os_copy_waiting(const struct os_event_query *query, OS_PRIO *table, OS_PRIO *group) {
  for (INT32U i = 0; i < OS_EVENT_TBL_SIZE; i++) {
    table[i] = query->waiting[i];
  }
  *group = query->waiting_group;
}

#endif
