/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"
#include "string.h"

INT16U OSVersion(void) {
  return (INT16U)os_call(OS_CALL_VERSION, 0, 0, 0, 0).value;
}

void OSSchedLock(void) {
  (void)os_call(OS_CALL_SCHED_LOCK, 0, 0, 0, 0);
}

void OSSchedUnlock(void) {
  (void)os_call(OS_CALL_SCHED_UNLOCK, 0, 0, 0, 0);
}

void OSSafePoint(void) {
  (void)os_call(OS_CALL_SAFE_POINT, 0, 0, 0, 0);
}

INT32U OSAppCall(INT32U function, INT32U argument) {
  return (INT32U)os_call(OS_CALL_APP, function, argument, 0, 0).value;
}

void OSAppPanic(INT32U reason, const char *text) {
  (void)vmi_panic(reason, text, text == NULL ? 0u : (INT32U)strlen(text));
}
