/* SPDX-License-Identifier: Apache-2.0 */
/* A task that does nothing but call its kernel, which is at work whenever one looks. */
#include "ucos_ii.h"

void caller_task(void *argument);

void caller_task(void *argument) {
  (void)argument;
  for (;;) {
    OSSchedLock();
    OSSchedUnlock();
  }
}
