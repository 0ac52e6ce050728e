/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

OS_EVENT *OSSemCreate(INT16U cnt) {
  return (OS_EVENT *)os_call(OS_CALL_SEM_CREATE, cnt, 0, 0, 0).value;
}

void OSSemPend(OS_EVENT *pevent, INT32U timeout, INT8U *perr) {
  if (perr != NULL) {
    *perr = os_call_error(OS_CALL_SEM_PEND, address(pevent), timeout, 0, 0);
  }
}

INT8U OSSemPost(OS_EVENT *pevent) {
  return os_call_error(OS_CALL_SEM_POST, address(pevent), 0, 0, 0);
}

INT16U OSSemAccept(OS_EVENT *pevent) {
  return (INT16U)os_call(OS_CALL_SEM_ACCEPT, address(pevent), 0, 0, 0).value;
}

OS_EVENT *OSSemDel(OS_EVENT *pevent, INT8U opt, INT8U *perr) {
  return os_event_delete(pevent, EVENT_SEM, opt, perr);
}

INT8U OSSemQuery(OS_EVENT *pevent, OS_SEM_DATA *p_sem_data) {
  struct os_event_query query;
  INT8U error = os_event_ask(pevent, EVENT_SEM, p_sem_data, &query);

  if (error == OS_ERR_NONE) {
    p_sem_data->OSCnt = (INT16U)query.value;
    os_copy_waiting(&query, p_sem_data->OSEventTbl, &p_sem_data->OSEventGrp);
  }
  return error;
}
