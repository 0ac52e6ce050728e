/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/faulty/lock.h"

#include <stddef.h>

#include "ucos_ii.h"

static OS_EVENT *mutex;

void lock_open(void) {
  INT8U error;

  OSSchedLock(); /* whoever comes first creates it */
  if (mutex == NULL) {
    mutex = OSMutexCreate(LOCK_PRIORITY, &error);
  }
  OSSchedUnlock();
}

uint8_t lock_take(void) {
  INT8U error;

  OSMutexPend(mutex, 0, &error);
  return error;
}

uint8_t lock_give(void) {
  return OSMutexPost(mutex);
}
