/* SPDX-License-Identifier: Apache-2.0 */
/* The more urgent one: each wait is a switch to the giver. */
#include "latency/rtos/semaphores.h"

void turn_waiter_task(void *argument);

void turn_waiter_task(void *argument) {
  (void)argument;
  turn_open();
  for (;;) {
    turn_wait();
  }
}
