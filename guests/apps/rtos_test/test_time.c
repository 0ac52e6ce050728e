/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rtos_test/test.h"

void test_core(void) {
  OS_EVENT *sem = OSSemCreate(0);
  INT8U error;

  CHECK(OSVersion() == OS_VERSION);
  helper_start(0, HELPER_SEM_PEND, sem, 0);
  OSSchedLock();
  OSSchedLock();
  CHECK(OSSemPost(sem) == OS_ERR_NONE);
  CHECK(helpers[0].busy);
  OSSchedUnlock();
  CHECK(helpers[0].busy); /* locks nest */
  OSSemPend(sem, 1, &error);
  CHECK(error == OS_ERR_PEND_LOCKED);
  OSTimeDly(5); /* no effect */
  CHECK(helpers[0].busy);
  CHECK(OSTaskSuspend(OS_PRIO_SELF) == OS_ERR_SCHED_LOCKED);
  OSSchedUnlock();
  CHECK(!helpers[0].busy);
  OSSchedUnlock(); /* one too many does no harm */
  (void)OSSemDel(sem, OS_DEL_NO_PEND, &error);
  CHECK(error == OS_ERR_NONE);
}

static void test_delays(void) {
  INT32U start;

  OSTimeDly(1);
  start = OSTimeGet();
  OSTimeDly(3);
  CHECK(OSTimeGet() - start == 3);
  OSTimeDly(0);
  CHECK(OSTimeGet() - start == 3);
  CHECK(OSTimeDlyHMSM(0, 0, 0, 20) == OS_ERR_NONE);
  CHECK(OSTimeGet() - start == 3 + 20 * OS_TICKS_PER_SEC / 1000);
  CHECK(OSTimeDlyHMSM(0, 0, 0, 0) == OS_ERR_TIME_ZERO_DLY);
  CHECK(OSTimeDlyHMSM(0, 60, 0, 0) == OS_ERR_TIME_INVALID_MINUTES);
  CHECK(OSTimeDlyHMSM(0, 0, 60, 0) == OS_ERR_TIME_INVALID_SECONDS);
  CHECK(OSTimeDlyHMSM(0, 0, 0, 1000) == OS_ERR_TIME_INVALID_MS);
}

/* Three sleepers in an order other than that of their ends. */
static void test_delay_order(void) {
  INT32U start;

  OSTimeDly(1);
  start = OSTimeGet();
  helper_start(0, HELPER_DELAY, (void *)0, 5);
  helper_start(1, HELPER_DELAY, (void *)0, 2);
  OSTimeDly(3);
  CHECK(helpers[0].busy);
  CHECK(!helpers[1].busy);
  CHECK(helpers[1].ended - start == 2);
  OSTimeDly(3);
  CHECK(!helpers[0].busy);
  CHECK(helpers[0].ended - start == 5);
}

static void test_delay_resume(void) {
  INT32U start = OSTimeGet();

  helper_start(0, HELPER_DELAY, (void *)0, 100);
  helper_start(1, HELPER_DELAY, (void *)0, 4);
  CHECK(OSTimeDlyResume(HELPER_PRIO(0)) == OS_ERR_NONE);
  CHECK(!helpers[0].busy);
  CHECK(OSTimeDlyResume(HELPER_PRIO(0)) == OS_ERR_TIME_NOT_DLY);
  CHECK(OSTimeDlyResume(50) == OS_ERR_TASK_NOT_EXIST);
  CHECK(OSTimeDlyResume(64) == OS_ERR_PRIO_INVALID);
  OSTimeDly(6);
  CHECK(!helpers[1].busy);
  CHECK(helpers[1].ended - start >= 4 && helpers[1].ended - start <= 5);
}

void test_time(void) {
  INT32U now;

  test_delays();
  test_delay_order();
  test_delay_resume();
  OSTimeDly(1);
  now = OSTimeGet();
  OSTimeSet(0xfffffffeu); /* delays do not depend on it, nor on its wrap */
  OSTimeDly(4);
  CHECK(OSTimeGet() == 2);
  OSTimeSet(now);
}
