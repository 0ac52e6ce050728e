/* SPDX-License-Identifier: Apache-2.0 */
#include "event.h"

OS_EVENT *OSMboxCreate(void *pmsg) {
  return (OS_EVENT *)os_call(OS_CALL_MBOX_CREATE, address(pmsg), 0, 0, 0).value;
}

void *OSMboxPend(OS_EVENT *pevent, INT32U timeout, INT8U *perr) {
  if (perr == NULL) {
    return NULL;
  }
  return (void *)os_call_value(OS_CALL_MBOX_PEND, address(pevent), timeout, 0, 0, perr);
}

INT8U OSMboxPost(OS_EVENT *pevent, void *pmsg) {
  return OSMboxPostOpt(pevent, pmsg, OS_POST_OPT_NONE);
}

INT8U OSMboxPostOpt(OS_EVENT *pevent, void *pmsg, INT8U opt) {
  return os_call_error(OS_CALL_MBOX_POST, address(pevent), address(pmsg), opt, 0);
}

void *OSMboxAccept(OS_EVENT *pevent) {
  return (void *)os_call(OS_CALL_MBOX_ACCEPT, address(pevent), 0, 0, 0).value;
}

OS_EVENT *OSMboxDel(OS_EVENT *pevent, INT8U opt, INT8U *perr) {
  return os_event_delete(pevent, EVENT_MBOX, opt, perr);
}

INT8U OSMboxQuery(OS_EVENT *pevent, OS_MBOX_DATA *p_mbox_data) {
  struct os_event_query query;
  INT8U error = os_event_ask(pevent, EVENT_MBOX, p_mbox_data, &query);

  if (error == OS_ERR_NONE) {
    p_mbox_data->OSMsg = (void *)query.value;
    os_copy_waiting(&query, p_mbox_data->OSEventTbl, &p_mbox_data->OSEventGrp);
  }
  return error;
}
