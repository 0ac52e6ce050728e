/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

/* The entries are kept by the kernel: `start` has nothing to say. */
OS_EVENT *OSQCreate(void **start, INT16U size) {
  (void)start;
  return (OS_EVENT *)os_call(OS_CALL_Q_CREATE, size, 0, 0, 0).value;
}

void *OSQPend(OS_EVENT *pevent, INT32U timeout, INT8U *perr) {
  if (perr == NULL) {
    return NULL;
  }
  return (void *)os_call_value(OS_CALL_Q_PEND, address(pevent), timeout, 0, 0, perr);
}

INT8U OSQPost(OS_EVENT *pevent, void *pmsg) {
  return OSQPostOpt(pevent, pmsg, OS_POST_OPT_NONE);
}

INT8U OSQPostFront(OS_EVENT *pevent, void *pmsg) {
  return OSQPostOpt(pevent, pmsg, OS_POST_OPT_FRONT);
}

INT8U OSQPostOpt(OS_EVENT *pevent, void *pmsg, INT8U opt) {
  return os_call_error(OS_CALL_Q_POST, address(pevent), address(pmsg), opt, 0);
}

void *OSQAccept(OS_EVENT *pevent, INT8U *perr) {
  if (perr == NULL) {
    return NULL;
  }
  return (void *)os_call_value(OS_CALL_Q_ACCEPT, address(pevent), 0, 0, 0, perr);
}

INT8U OSQFlush(OS_EVENT *pevent) {
  return os_call_error(OS_CALL_Q_FLUSH, address(pevent), 0, 0, 0);
}

OS_EVENT *OSQDel(OS_EVENT *pevent, INT8U opt, INT8U *perr) {
  return os_event_delete(pevent, EVENT_Q, opt, perr);
}

INT8U OSQQuery(OS_EVENT *pevent, OS_Q_DATA *p_q_data) {
  struct os_event_query query;
  INT8U error = os_event_ask(pevent, EVENT_Q, p_q_data, &query);

  if (error == OS_ERR_NONE) {
    p_q_data->OSMsg = (void *)query.value;
    p_q_data->OSNMsgs = query.q_messages;
    p_q_data->OSQSize = query.q_size;
    os_copy_waiting(&query, p_q_data->OSEventTbl, &p_q_data->OSEventGrp);
  }
  return error;
}
