/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

void OSTimeDly(INT32U ticks) {
  (void)os_call(OS_CALL_TIME_DLY, ticks, 0, 0, 0);
}

INT8U OSTimeDlyHMSM(INT8U hours, INT8U minutes, INT8U seconds, INT16U ms) {
  INT32U ticks;

  if (hours == 0 && minutes == 0 && seconds == 0 && ms == 0) {
    return OS_ERR_TIME_ZERO_DLY;
  }
  if (minutes > 59) {
    return OS_ERR_TIME_INVALID_MINUTES;
  }
  if (seconds > 59) {
    return OS_ERR_TIME_INVALID_SECONDS;
  }
  if (ms > 999) {
    return OS_ERR_TIME_INVALID_MS;
  }
  ticks = ((INT32U)hours * 3600u + (INT32U)minutes * 60u + seconds) * OS_TICKS_PER_SEC;
  ticks += (ms * OS_TICKS_PER_SEC + 500u) / 1000u; /* to the nearest tick */
  OSTimeDly(ticks);
  return OS_ERR_NONE;
}

INT8U OSTimeDlyResume(INT8U prio) {
  return os_call_error(OS_CALL_TIME_DLY_RESUME, prio, 0, 0, 0);
}

INT32U OSTimeGet(void) {
  return (INT32U)os_call(OS_CALL_TIME_GET, 0, 0, 0, 0).value;
}

void OSTimeSet(INT32U ticks) {
  (void)os_call(OS_CALL_TIME_SET, ticks, 0, 0, 0);
}
