/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rtos_test/test.h"

#define MESSAGE(n) ((void *)(0x1000u + (n)))

void test_mbox(void) {
  OS_EVENT *mbox = OSMboxCreate(MESSAGE(1));
  OS_MBOX_DATA data;
  INT8U error;

  CHECK(OSMboxQuery(mbox, &data) == OS_ERR_NONE && data.OSMsg == MESSAGE(1) && data.OSEventGrp == 0);
  CHECK(OSMboxPost(mbox, MESSAGE(2)) == OS_ERR_MBOX_FULL);
  CHECK(OSMboxPend(mbox, 0, &error) == MESSAGE(1) && error == OS_ERR_NONE);
  CHECK(OSMboxPend(mbox, 1, &error) == (void *)0 && error == OS_ERR_TIMEOUT);
  CHECK(OSMboxPost(mbox, (void *)0) == OS_ERR_POST_NULL_PTR);
  CHECK(OSMboxPost(mbox, MESSAGE(3)) == OS_ERR_NONE);
  CHECK(OSMboxAccept(mbox) == MESSAGE(3));
  CHECK(OSMboxAccept(mbox) == (void *)0);
  helper_start(0, HELPER_MBOX_PEND, mbox, 0);
  helper_start(1, HELPER_MBOX_PEND, mbox, 0);
  CHECK(OSMboxPostOpt(mbox, MESSAGE(4), OS_POST_OPT_NO_SCHED) == OS_ERR_NONE);
  CHECK(helpers[0].busy); /* ready, but it has not run */
  OSTimeDly(1);
  CHECK(helpers[0].value == (INT32U)MESSAGE(4) && helpers[1].busy);
  helper_start(0, HELPER_MBOX_PEND, mbox, 0);
  CHECK(OSMboxPostOpt(mbox, MESSAGE(5), OS_POST_OPT_BROADCAST) == OS_ERR_NONE);
  CHECK(helpers[0].value == (INT32U)MESSAGE(5) && helpers[1].value == (INT32U)MESSAGE(5));
  CHECK(OSMboxDel(mbox, OS_DEL_NO_PEND, &error) == (OS_EVENT *)0 && error == OS_ERR_NONE);
}

static void test_order(OS_EVENT *queue) {
  OS_Q_DATA data;
  INT8U error;

  for (INT32U n = 1; n <= 3; n++) {
    CHECK(OSQPost(queue, MESSAGE(n)) == OS_ERR_NONE);
  }
  CHECK(OSQPostFront(queue, MESSAGE(9)) == OS_ERR_NONE);
  CHECK(OSQPost(queue, MESSAGE(4)) == OS_ERR_Q_FULL);
  CHECK(OSQQuery(queue, &data) == OS_ERR_NONE);
  CHECK(data.OSNMsgs == 4 && data.OSQSize == 4 && data.OSMsg == MESSAGE(9) && data.OSEventGrp == 0);
  CHECK(OSQPend(queue, 0, &error) == MESSAGE(9) && error == OS_ERR_NONE);
  CHECK(OSQAccept(queue, &error) == MESSAGE(1) && error == OS_ERR_NONE);
  CHECK(OSQPost(queue, MESSAGE(5)) == OS_ERR_NONE);
  CHECK(OSQAccept(queue, &error) == MESSAGE(2));
  CHECK(OSQAccept(queue, &error) == MESSAGE(3));
  CHECK(OSQAccept(queue, &error) == MESSAGE(5));
  CHECK(OSQAccept(queue, &error) == (void *)0 && error == OS_ERR_Q_EMPTY);
  (void)OSQPost(queue, MESSAGE(6));
  CHECK(OSQFlush(queue) == OS_ERR_NONE);
  CHECK(OSQPend(queue, 1, &error) == (void *)0 && error == OS_ERR_TIMEOUT);
}

static void test_queue_waiters(OS_EVENT *queue) {
  INT8U error;

  helper_start(1, HELPER_Q_PEND, queue, 0);
  helper_start(0, HELPER_Q_PEND, queue, 0);
  CHECK(OSQPost(queue, MESSAGE(7)) == OS_ERR_NONE);
  CHECK(helpers[0].value == (INT32U)MESSAGE(7) && helpers[1].busy);
  helper_start(0, HELPER_Q_PEND, queue, 0);
  CHECK(OSQPostOpt(queue, MESSAGE(8), OS_POST_OPT_BROADCAST) == OS_ERR_NONE);
  CHECK(helpers[0].value == (INT32U)MESSAGE(8) && helpers[1].value == (INT32U)MESSAGE(8));
  CHECK(OSQAccept(queue, &error) == (void *)0);
}

void test_queue(void) {
  void *entries[4];
  OS_EVENT *queue = OSQCreate(entries, 4);
  OS_EVENT *more[OS_MAX_QS];
  INT8U error;
  INT32U count = 0;

  test_order(queue);
  test_queue_waiters(queue);
  CHECK(OSQCreate(entries, 0) == (OS_EVENT *)0);
  CHECK(OSQCreate(entries, OS_Q_SIZE_MAX + 1) == (OS_EVENT *)0);
  while (count < OS_MAX_QS && (more[count] = OSQCreate(entries, 1)) != (OS_EVENT *)0) {
    count++;
  }
  CHECK(count == OS_MAX_QS - 1); /* with the one that exists, all of them */
  while (count != 0) {
    (void)OSQDel(more[--count], OS_DEL_NO_PEND, &error);
  }
  CHECK(OSQDel(queue, OS_DEL_NO_PEND, &error) == (OS_EVENT *)0 && error == OS_ERR_NONE);
  CHECK(OSQPost(queue, MESSAGE(1)) == OS_ERR_EVENT_TYPE);
}
