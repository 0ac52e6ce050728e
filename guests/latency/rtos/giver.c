/* SPDX-License-Identifier: Apache-2.0 */
/* The less urgent one: each post is a switch to the waiter. */
#include "latency/rtos/semaphores.h"

void turn_giver_task(void *argument);

void turn_giver_task(void *argument) {
  (void)argument;
  turn_open();
  for (;;) {
    turn_give();
  }
}
