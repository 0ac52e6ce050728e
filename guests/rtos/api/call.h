/* SPDX-License-Identifier: Apache-2.0 */
/* How a stub calls the kernel: result in r0, error code in r1. */
#ifndef CALL_H
#define CALL_H

#include <stddef.h>

#include "os_calls.h"
#include "ucos_ii.h"
#include "vmi_calls.h"

static inline struct vmi_result os_call(INT32U number, INT32U a0, INT32U a1, INT32U a2, INT32U a3) {
  return vmi_call(VMI_GUEST_CALL + number, a0, a1, a2, a3);
}

static inline INT32U address(const void *pointer) {
  return (INT32U)pointer;
}

/* For calls that return nothing but an error code. */
static inline INT8U os_call_error(INT32U number, INT32U a0, INT32U a1, INT32U a2, INT32U a3) {
  return (INT8U)os_call(number, a0, a1, a2, a3).second;
}

/* For calls with a result; the error code is stored by the task itself, so a bad perr is the task's own fault. */
static inline INT32U os_call_value(INT32U number, INT32U a0, INT32U a1, INT32U a2, INT32U a3, INT8U *perr) {
  struct vmi_result result = os_call(number, a0, a1, a2, a3);

  *perr = (INT8U)result.second;
  return (INT32U)result.value;
}

#endif
