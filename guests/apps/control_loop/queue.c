/* SPDX-License-Identifier: Apache-2.0 */
/* The queue between the two tasks: its handle lies in the memory they share. */
#include <stddef.h>

#include "apps/control_loop/signal.h"
#include "ucos_ii.h"

static OS_EVENT *queue;

void *control_queue(void) {
  static void *entries[16];

  OSSchedLock(); /* whoever comes first creates it */
  if (queue == NULL) {
    queue = OSQCreate(entries, 16);
  }
  OSSchedUnlock();
  return queue;
}
