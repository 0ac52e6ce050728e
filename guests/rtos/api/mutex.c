/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

OS_EVENT *OSMutexCreate(INT8U prio, INT8U *perr) {
  if (perr == NULL) {
    return NULL;
  }
  return (OS_EVENT *)os_call_value(OS_CALL_MUTEX_CREATE, prio, 0, 0, 0, perr);
}

void OSMutexPend(OS_EVENT *pevent, INT32U timeout, INT8U *perr) {
  if (perr != NULL) {
    *perr = os_call_error(OS_CALL_MUTEX_PEND, address(pevent), timeout, 0, 0);
  }
}

INT8U OSMutexPost(OS_EVENT *pevent) {
  return os_call_error(OS_CALL_MUTEX_POST, address(pevent), 0, 0, 0);
}

BOOLEAN OSMutexAccept(OS_EVENT *pevent, INT8U *perr) {
  if (perr == NULL) {
    return OS_FALSE;
  }
  return (BOOLEAN)os_call_value(OS_CALL_MUTEX_ACCEPT, address(pevent), 0, 0, 0, perr);
}

OS_EVENT *OSMutexDel(OS_EVENT *pevent, INT8U opt, INT8U *perr) {
  return os_event_delete(pevent, EVENT_MUTEX, opt, perr);
}

INT8U OSMutexQuery(OS_EVENT *pevent, OS_MUTEX_DATA *p_mutex_data) {
  struct os_event_query query;
  INT8U error = os_event_ask(pevent, EVENT_MUTEX, p_mutex_data, &query);

  if (error == OS_ERR_NONE) {
    p_mutex_data->OSValue = query.owner_prio == OS_PRIO_SELF ? OS_TRUE : OS_FALSE;
    p_mutex_data->OSOwnerPrio = query.owner_prio;
    p_mutex_data->OSMutexPIP = query.ceiling;
    os_copy_waiting(&query, p_mutex_data->OSEventTbl, &p_mutex_data->OSEventGrp);
  }
  return error;
}
