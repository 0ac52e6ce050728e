/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rtos_test/test.h"

#define CEILING 9u
#define LOWER_CEILING 11u

static INT8U own_priority(void) {
  OS_TCB data;

  CHECK(OSTaskQuery(OS_PRIO_SELF, &data) == OS_ERR_NONE);
  return data.OSTCBPrio;
}

static void test_errors(void) {
  INT8U error;

  CHECK(OSMutexCreate(64, &error) == (OS_EVENT *)0 && error == OS_ERR_PRIO_INVALID);
  CHECK(OSMutexCreate(TESTER_PRIO, &error) == (OS_EVENT *)0 && error == OS_ERR_PRIO_EXIST);
  CHECK(OSMutexCreate(CEILING, &error) == (OS_EVENT *)0 && error == OS_ERR_PRIO_EXIST);
  CHECK(OSTaskSuspend(CEILING) == OS_ERR_TASK_NOT_EXIST); /* reserved, no task */
  CHECK(OSTaskResume(CEILING) == OS_ERR_TASK_NOT_EXIST);
  CHECK(OSTaskDel(CEILING) == OS_ERR_TASK_DEL);
  CHECK(OSTaskChangePrio(CEILING, 40) == OS_ERR_TASK_NOT_EXIST);
  CHECK(OSTaskChangePrio(OS_PRIO_SELF, CEILING) == OS_ERR_PRIO_EXIST);
}

static void test_promotion(OS_EVENT *mutex) {
  OS_MUTEX_DATA data;
  INT8U error;

  OSMutexPend(mutex, 0, &error);
  CHECK(error == OS_ERR_NONE && own_priority() == TESTER_PRIO);
  CHECK(OSMutexAccept(mutex, &error) == OS_FALSE && error == OS_ERR_NONE);
  helper_start(0, HELPER_MUTEX_POST, mutex, 0);
  CHECK(helpers[0].error == OS_ERR_NOT_MUTEX_OWNER);
  helper_start(1, HELPER_MUTEX_PEND, mutex, 0);
  CHECK(helpers[1].busy && own_priority() == CEILING);
  helper_start(0, HELPER_MUTEX_PEND, mutex, 0); /* cannot even start: the tester is above it */
  CHECK(OSMutexQuery(mutex, &data) == OS_ERR_NONE);
  CHECK(data.OSValue == OS_FALSE && data.OSOwnerPrio == TESTER_PRIO && data.OSMutexPIP == CEILING);
  CHECK(data.OSEventGrp == 0x04 && data.OSEventTbl[2] == 0x01);
  OSTimeDly(1); /* now helper 0 waits too */
  CHECK(OSMutexPost(mutex) == OS_ERR_NONE);
  CHECK(own_priority() == TESTER_PRIO);
  CHECK(!helpers[0].busy && helpers[0].error == OS_ERR_NONE && helpers[1].busy);
  helper_start(0, HELPER_MUTEX_POST, mutex, 0);
  CHECK(!helpers[1].busy && helpers[1].error == OS_ERR_NONE);
  helper_start(1, HELPER_MUTEX_POST, mutex, 0);
  CHECK(OSMutexAccept(mutex, &error) == OS_TRUE);
  CHECK(OSMutexPost(mutex) == OS_ERR_NONE);
  CHECK(OSMutexPost(mutex) == OS_ERR_NOT_MUTEX_OWNER);
}

/* Two mutexes, released in the order they were taken: the priority follows the one still held. */
static void test_two(OS_EVENT *high, OS_EVENT *low) {
  INT8U error;

  OSMutexPend(high, 0, &error);
  OSMutexPend(low, 0, &error);
  helper_start(1, HELPER_MUTEX_PEND, low, 0);
  CHECK(own_priority() == LOWER_CEILING);
  helper_start(0, HELPER_MUTEX_PEND, high, 0);
  OSTimeDly(1);
  CHECK(own_priority() == CEILING);
  CHECK(OSMutexPost(high) == OS_ERR_NONE);
  CHECK(own_priority() == LOWER_CEILING);
  CHECK(OSTaskChangePrio(TESTER_PRIO, 25) == OS_ERR_NONE);
  CHECK(own_priority() == LOWER_CEILING);
  CHECK(OSMutexPost(low) == OS_ERR_NONE);
  CHECK(own_priority() == 25);
  CHECK(OSTaskChangePrio(25, TESTER_PRIO) == OS_ERR_NONE);
  helper_start(0, HELPER_MUTEX_POST, high, 0);
  helper_start(1, HELPER_MUTEX_POST, low, 0);
  CHECK(helpers[0].error == OS_ERR_NONE && helpers[1].error == OS_ERR_NONE);
}

static void test_time_out_and_ceilings(void) {
  INT8U error;
  OS_EVENT *mutex = OSMutexCreate(30, &error); /* less urgent than its user */

  OSMutexPend(mutex, 0, &error);
  CHECK(error == OS_ERR_PIP_LOWER);
  helper_start(0, HELPER_MUTEX_PEND, mutex, 2);
  OSTimeDly(3);
  CHECK(helpers[0].error == OS_ERR_TIMEOUT);
  CHECK(own_priority() == TESTER_PRIO);
  (void)OSMutexDel(mutex, OS_DEL_ALWAYS, &error); /* while it is held */
  CHECK(error == OS_ERR_NONE);
  mutex = OSMutexCreate(OS_PRIO_MUTEX_CEIL_DIS, &error);
  OSMutexPend(mutex, 0, &error);
  CHECK(error == OS_ERR_NONE);
  helper_start(0, HELPER_MUTEX_PEND, mutex, 0);
  CHECK(own_priority() == TESTER_PRIO);
  CHECK(OSMutexDel(mutex, OS_DEL_NO_PEND, &error) == mutex && error == OS_ERR_TASK_WAITING);
  CHECK(OSMutexDel(mutex, OS_DEL_ALWAYS, &error) == (OS_EVENT *)0 && error == OS_ERR_NONE);
  CHECK(helpers[0].error == OS_ERR_PEND_ABORT);
}

void test_mutex(void) {
  INT8U error;
  OS_EVENT *high = OSMutexCreate(CEILING, &error);
  OS_EVENT *low = OSMutexCreate(LOWER_CEILING, &error);

  test_errors();
  test_promotion(high);
  test_two(high, low);
  (void)OSMutexDel(low, OS_DEL_NO_PEND, &error);
  (void)OSMutexDel(high, OS_DEL_NO_PEND, &error);
  CHECK(error == OS_ERR_NONE);
  CHECK(OSTaskDel(CEILING) == OS_ERR_TASK_NOT_EXIST); /* no longer reserved */
  test_time_out_and_ceilings();
}
