/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"
#include "event_query.h"

OS_FLAG_GRP *OSFlagCreate(OS_FLAGS flags, INT8U *perr) {
  if (perr == NULL) {
    return NULL;
  }
  return (OS_FLAG_GRP *)os_call_value(OS_CALL_FLAG_CREATE, flags, 0, 0, 0, perr);
}

OS_FLAGS OSFlagPend(OS_FLAG_GRP *pgrp, OS_FLAGS flags, INT8U wait_type, INT32U timeout, INT8U *perr) {
  if (perr == NULL) {
    return 0;
  }
  return os_call_value(OS_CALL_FLAG_PEND, address(pgrp), flags, wait_type, timeout, perr);
}

OS_FLAGS OSFlagPost(OS_FLAG_GRP *pgrp, OS_FLAGS flags, INT8U opt, INT8U *perr) {
  if (perr == NULL) {
    return 0;
  }
  return os_call_value(OS_CALL_FLAG_POST, address(pgrp), flags, opt, 0, perr);
}

OS_FLAGS OSFlagAccept(OS_FLAG_GRP *pgrp, OS_FLAGS flags, INT8U wait_type, INT8U *perr) {
  if (perr == NULL) {
    return 0;
  }
  return os_call_value(OS_CALL_FLAG_ACCEPT, address(pgrp), flags, wait_type, 0, perr);
}

OS_FLAG_GRP *OSFlagDel(OS_FLAG_GRP *pgrp, INT8U opt, INT8U *perr) {
  INT32U left;

  if (perr == NULL) {
    return pgrp;
  }
  left = os_call_value(OS_CALL_EVENT_DEL, address(pgrp), EVENT_FLAG, opt, 0, perr);
  if (*perr == OS_ERR_PEVENT_NULL) {
    *perr = OS_ERR_FLAG_INVALID_PGRP;
  }
  return (OS_FLAG_GRP *)left;
}

OS_FLAGS OSFlagQuery(OS_FLAG_GRP *pgrp, INT8U *perr) {
  if (perr == NULL) {
    return 0;
  }
  return os_call_value(OS_CALL_FLAG_QUERY, address(pgrp), 0, 0, 0, perr);
}
