/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rtos_test/test.h"

/* Functions of other tasks are known by these names, which the image builder gives them. */
extern void __task3_entry(void *argument);

static void test_create(void) {
  OS_TCB data;
  INT32U runs;

  CHECK(OSTaskCreate(__task3_entry, (void *)0x77, (OS_STK *)0, 64) == OS_ERR_PRIO_INVALID);
  CHECK(OSTaskCreate(__task3_entry, (void *)0x77, (OS_STK *)0, TESTER_PRIO) == OS_ERR_PRIO_EXIST);
  CHECK(OSTaskCreate(__task3_entry, (void *)0x77, (OS_STK *)0x1000, SPAWNED_PRIO) == OS_ERR_PDATA_NULL);
  CHECK(spawned_argument == 0);
  CHECK(OSTaskCreate(__task3_entry, (void *)0x77, (OS_STK *)0, SPAWNED_PRIO) == OS_ERR_NONE);
  CHECK(spawned_argument == 0x77 && spawned_runs == 1); /* more urgent: it ran at once */
  CHECK(OSTaskCreate(__task3_entry, (void *)0, (OS_STK *)0, 40) == OS_ERR_TASK_NO_MORE_TCB);
  OSTimeDly(2);
  CHECK(spawned_runs == 3);
  CHECK(OSTaskQuery(SPAWNED_PRIO, &data) == OS_ERR_NONE);
  CHECK(data.OSTCBPrio == SPAWNED_PRIO && data.OSTCBDly == 1 && data.OSTCBCtxSwCtr >= 3);
  CHECK(data.OSTCBStkSize >= 256);
  CHECK(OSTaskDel(SPAWNED_PRIO) == OS_ERR_NONE);
  CHECK(OSTaskDel(SPAWNED_PRIO) == OS_ERR_TASK_NOT_EXIST);
  runs = spawned_runs;
  OSTimeDly(3);
  CHECK(spawned_runs == runs);
}

static void test_create_ext(void) {
  OS_TCB data;

  CHECK(OSTaskCreateExt(__task3_entry, (void *)0x88, (OS_STK *)0, 63, 7, (OS_STK *)0, 0, (void *)0x1234,
                        OS_TASK_OPT_SAVE_FP) == OS_ERR_NONE);
  CHECK(spawned_argument == 0x77); /* less urgent than the tester */
  CHECK(OSTaskQuery(63, &data) == OS_ERR_NONE);
  CHECK(data.OSTCBId == 7 && data.OSTCBExtPtr == (void *)0x1234 && data.OSTCBOpt == OS_TASK_OPT_SAVE_FP);
  CHECK(data.OSTCBStat == OS_STAT_RDY && data.OSTCBDly == 0);
  CHECK(OSTaskChangePrio(63, SPAWNED_PRIO) == OS_ERR_NONE);
  CHECK(spawned_argument == 0x88);
  CHECK(OSTaskQuery(63, &data) == OS_ERR_PRIO);
  CHECK(OSTaskDel(SPAWNED_PRIO) == OS_ERR_NONE);
}

static void test_suspend(void) {
  OS_TCB data;

  CHECK(OSTaskSuspend(50) == OS_ERR_TASK_SUSPEND_PRIO);
  CHECK(OSTaskSuspend(64) == OS_ERR_PRIO_INVALID);
  CHECK(OSTaskResume(50) == OS_ERR_TASK_RESUME_PRIO);
  CHECK(OSTaskResume(64) == OS_ERR_PRIO_INVALID);
  CHECK(OSTaskResume(HELPER_PRIO(0)) == OS_ERR_TASK_NOT_SUSPENDED);
  helper_start(0, HELPER_SUSPEND_SELF, (void *)0, 0);
  CHECK(helpers[0].busy);
  CHECK(OSTaskResume(HELPER_PRIO(0)) == OS_ERR_NONE);
  CHECK(!helpers[0].busy && helpers[0].error == OS_ERR_NONE);
  helper_start(0, HELPER_DELAY, (void *)0, 2); /* a delay that ends during the suspension */
  CHECK(OSTaskSuspend(HELPER_PRIO(0)) == OS_ERR_NONE);
  OSTimeDly(4);
  CHECK(helpers[0].busy);
  CHECK(OSTaskQuery(HELPER_PRIO(0), &data) == OS_ERR_NONE && data.OSTCBStat == OS_STAT_SUSPEND);
  CHECK(OSTaskResume(HELPER_PRIO(0)) == OS_ERR_NONE);
  CHECK(!helpers[0].busy);
  helper_start(0, HELPER_DELAY, (void *)0, 4); /* a suspension that ends during the delay */
  CHECK(OSTaskSuspend(HELPER_PRIO(0)) == OS_ERR_NONE);
  CHECK(OSTaskResume(HELPER_PRIO(0)) == OS_ERR_NONE);
  CHECK(helpers[0].busy);
  OSTimeDly(5);
  CHECK(!helpers[0].busy);
}

/* A post to a task that waits and is suspended: it has the semaphore, and runs when it is resumed. */
static void test_suspend_waiting(void) {
  OS_EVENT *sem = OSSemCreate(0);
  INT8U error;

  helper_start(0, HELPER_SEM_PEND, sem, 0);
  CHECK(OSTaskSuspend(HELPER_PRIO(0)) == OS_ERR_NONE);
  CHECK(OSSemPost(sem) == OS_ERR_NONE);
  CHECK(helpers[0].busy && OSSemAccept(sem) == 0);
  CHECK(OSTaskResume(HELPER_PRIO(0)) == OS_ERR_NONE);
  CHECK(!helpers[0].busy && helpers[0].error == OS_ERR_NONE);
  (void)OSSemDel(sem, OS_DEL_NO_PEND, &error);
}

static void test_priorities(void) {
  CHECK(OSTaskChangePrio(64, 1) == OS_ERR_PRIO_INVALID);
  CHECK(OSTaskChangePrio(TESTER_PRIO, 64) == OS_ERR_PRIO_INVALID);
  CHECK(OSTaskChangePrio(50, 51) == OS_ERR_PRIO);
  CHECK(OSTaskChangePrio(OS_PRIO_SELF, 5) == OS_ERR_NONE);
  helper_start(0, HELPER_DELAY, (void *)0, 1);
  CHECK(helpers[0].busy); /* it has not even started */
  CHECK(OSTaskChangePrio(5, TESTER_PRIO) == OS_ERR_NONE);
  OSTimeDly(2);
  CHECK(!helpers[0].busy);
}

/* A task that goes hands its mutexes over and leaves the lists it waits in. */
static void test_delete_owner(void) {
  INT8U error;
  OS_EVENT *mutex = OSMutexCreate(9, &error);

  helper_start(0, HELPER_MUTEX_PEND, mutex, 0);
  helper_start(1, HELPER_MUTEX_PEND, mutex, 0);
  CHECK(!helpers[0].busy && helpers[1].busy);
  helper_start(0, HELPER_DELETE_SELF, (void *)0, 0);
  CHECK(!helpers[1].busy && helpers[1].error == OS_ERR_NONE);
  helper_start(1, HELPER_MUTEX_POST, mutex, 0);
  CHECK(OSMutexAccept(mutex, &error) == OS_TRUE);
  (void)OSMutexDel(mutex, OS_DEL_NO_PEND, &error);
  CHECK(error == OS_ERR_NONE);
  mutex = OSSemCreate(0);
  helper_start(1, HELPER_SEM_PEND, mutex, 50);
  CHECK(OSTaskDel(HELPER_PRIO(1)) == OS_ERR_NONE);
  CHECK(OSSemPost(mutex) == OS_ERR_NONE && OSSemAccept(mutex) == 1); /* nobody waits */
}

void test_task(void) {
  test_create();
  test_create_ext();
  test_suspend();
  test_suspend_waiting();
  test_priorities();
  test_delete_owner();
}
