/* SPDX-License-Identifier: Apache-2.0 */
/* Counting semaphores. */
#include "handlers.h"

/* a0: count */
os_result os_sem_create(const INT32U *a) {
  struct os_event *sem = os_event_create(EVENT_SEM);

  if (sem == NULL) {
    return os_ok(0);
  }
  sem->value = a[0] & UINT16_MAX;
  return os_ok((INT32U)sem);
}

/* a0: semaphore, a1: time-out */
os_result os_sem_pend(const INT32U *a) {
  INT8U error;
  struct os_event *sem = os_event_find(a[0], EVENT_SEM, &error);

  if (sem == NULL) {
    return os_error(error);
  }
  if (OSLockNesting != 0) {
    return os_error(OS_ERR_PEND_LOCKED);
  }
  if (sem->value != 0) {
    sem->value--;
    return os_error(OS_ERR_NONE);
  }
  return os_event_wait(sem, OS_STAT_SEM, a[1]);
}

/* a0: semaphore */
os_result os_sem_post(const INT32U *a) {
  INT8U error;
  struct os_event *sem = os_event_find(a[0], EVENT_SEM, &error);

  if (sem == NULL) {
    return os_error(error);
  }
  if (sem->waiters != 0) {
    os_event_wake(os_event_best(sem), 0, OS_ERR_NONE);
    return os_error(OS_ERR_NONE);
  }
  if (sem->value == UINT16_MAX) {
    return os_error(OS_ERR_SEM_OVF);
  }
  sem->value++;
  return os_error(OS_ERR_NONE);
}

/* a0: semaphore. The value is the count before the call; 0: not taken. */
os_result os_sem_accept(const INT32U *a) {
  INT8U error;
  struct os_event *sem = os_event_find(a[0], EVENT_SEM, &error);
  INT32U count;

  if (sem == NULL) {
    return os_error(error);
  }
  count = sem->value;
  if (count != 0) {
    sem->value--;
  }
  return os_ok(count);
}
