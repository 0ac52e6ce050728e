/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/producer_consumer/buffer.h"

#include <stddef.h>

#include "ucos_ii.h"

#define BUFFER_SIZE 8u

static uint32_t entries[BUFFER_SIZE];
static uint32_t put_count;
static uint32_t get_count;
static OS_EVENT *free_entries;
static OS_EVENT *used_entries;
static OS_EVENT *mutex;

void buffer_open(void) {
  INT8U error;

  OSSchedLock(); /* the two tasks start in any order */
  if (mutex == NULL) {
    free_entries = OSSemCreate(BUFFER_SIZE);
    used_entries = OSSemCreate(0);
    mutex = OSMutexCreate(BUFFER_MUTEX_PRIORITY, &error);
  }
  OSSchedUnlock();
}

uint8_t buffer_put(uint32_t value) {
  INT8U error;

  OSSemPend(free_entries, 0, &error);
  if (error != OS_ERR_NONE) {
    return error;
  }
  OSMutexPend(mutex, 0, &error);
  if (error != OS_ERR_NONE) {
    return error;
  }
  entries[put_count++ % BUFFER_SIZE] = value;
  error = OSMutexPost(mutex);
  return error != OS_ERR_NONE ? error : OSSemPost(used_entries);
}

uint8_t buffer_get(uint32_t *value) {
  INT8U error;

  OSSemPend(used_entries, 0, &error);
  if (error != OS_ERR_NONE) {
    return error;
  }
  OSMutexPend(mutex, 0, &error);
  if (error != OS_ERR_NONE) {
    return error;
  }
  *value = entries[get_count++ % BUFFER_SIZE];
  error = OSMutexPost(mutex);
  return error != OS_ERR_NONE ? error : OSSemPost(free_entries);
}
