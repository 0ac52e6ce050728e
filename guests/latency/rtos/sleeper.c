/* SPDX-License-Identifier: Apache-2.0 */
/* Wakes at every tick: from the timer interrupt to this task is a switch away from the spinner. */
#include "ucos_ii.h"

void sleeper_task(void *argument);

void sleeper_task(void *argument) {
  (void)argument;
  for (;;) {
    OSTimeDly(1);
  }
}
