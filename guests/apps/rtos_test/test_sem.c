/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rtos_test/test.h"

static void test_counting(OS_EVENT *sem) {
  INT8U error;

  OSSemPend(sem, 0, &error);
  CHECK(error == OS_ERR_NONE);
  CHECK(OSSemAccept(sem) == 1);
  CHECK(OSSemAccept(sem) == 0);
  OSSemPend(sem, 2, &error);
  CHECK(error == OS_ERR_TIMEOUT);
  CHECK(OSSemPost(sem) == OS_ERR_NONE);
  CHECK(OSSemAccept(sem) == 1);
}

static void test_waiters(OS_EVENT *sem) {
  OS_SEM_DATA data;

  helper_start(1, HELPER_SEM_PEND, sem, 0);
  helper_start(0, HELPER_SEM_PEND, sem, 3);
  CHECK(OSSemQuery(sem, &data) == OS_ERR_NONE);
  CHECK(data.OSCnt == 0 && data.OSEventGrp == 0x06);
  CHECK(data.OSEventTbl[1] == 0x80 && data.OSEventTbl[2] == 0x01); /* priorities 15 and 16 */
  CHECK(OSSemPost(sem) == OS_ERR_NONE); /* to the more urgent one, who came later */
  CHECK(!helpers[0].busy && helpers[0].error == OS_ERR_NONE && helpers[1].busy);
  helper_start(0, HELPER_SEM_PEND, sem, 2);
  OSTimeDly(3);
  CHECK(!helpers[0].busy && helpers[0].error == OS_ERR_TIMEOUT && helpers[1].busy);
  CHECK(OSSemPost(sem) == OS_ERR_NONE);
  CHECK(!helpers[1].busy && helpers[1].error == OS_ERR_NONE);
  helper_start(0, HELPER_SEM_PEND, sem, 50);
  CHECK(OSTimeDlyResume(HELPER_PRIO(0)) == OS_ERR_NONE);
  CHECK(!helpers[0].busy && helpers[0].error == OS_ERR_TIMEOUT);
}

static void test_delete(OS_EVENT *sem) {
  INT8U error;

  helper_start(0, HELPER_SEM_PEND, sem, 0);
  helper_start(1, HELPER_SEM_PEND, sem, 9);
  CHECK(OSSemDel(sem, OS_DEL_NO_PEND, &error) == sem);
  CHECK(error == OS_ERR_TASK_WAITING);
  CHECK(OSSemDel(sem, 2, &error) == sem);
  CHECK(error == OS_ERR_INVALID_OPT);
  CHECK(OSSemDel(sem, OS_DEL_ALWAYS, &error) == (OS_EVENT *)0);
  CHECK(error == OS_ERR_NONE);
  CHECK(helpers[0].error == OS_ERR_PEND_ABORT && helpers[1].error == OS_ERR_PEND_ABORT);
  CHECK(OSSemPost(sem) == OS_ERR_EVENT_TYPE);
}

void test_sem(void) {
  OS_EVENT *sem = OSSemCreate(2);
  INT8U error;

  test_counting(sem);
  test_waiters(sem);
  test_delete(sem);
  sem = OSSemCreate(0xffff);
  CHECK(OSSemPost(sem) == OS_ERR_SEM_OVF);
  (void)OSSemDel(sem, OS_DEL_NO_PEND, &error);
  CHECK(error == OS_ERR_NONE);
}
