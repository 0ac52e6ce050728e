/* SPDX-License-Identifier: Apache-2.0 */
/* The task that the tester creates and deletes. */
#include "apps/rtos_test/helper.h"

void spawned_task(void *argument);

void spawned_task(void *argument) {
  spawned_argument = (INT32U)argument;
  for (;;) {
    spawned_runs++;
    OSTimeDly(1);
  }
}
