/* SPDX-License-Identifier: Apache-2.0 */
#include "latency/rtos/semaphores.h"

#include <stddef.h>

#include "ucos_ii.h"

static OS_EVENT *turn;

void turn_open(void) {
  OSSchedLock(); /* the two tasks start in any order */
  if (turn == NULL) {
    turn = OSSemCreate(0);
  }
  OSSchedUnlock();
}

void turn_wait(void) {
  INT8U error;

  OSSemPend(turn, 0, &error);
}

void turn_give(void) {
  (void)OSSemPost(turn);
}
