/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rtos_test/test.h"

static void test_accept(OS_FLAG_GRP *group) {
  INT8U error;

  CHECK(OSFlagAccept(group, 0x05, OS_FLAG_WAIT_SET_ALL, &error) == 0x05 && error == OS_ERR_NONE);
  CHECK(OSFlagAccept(group, 0x07, OS_FLAG_WAIT_SET_ALL, &error) == 0 && error == OS_ERR_FLAG_NOT_RDY);
  CHECK(OSFlagAccept(group, 0x07, OS_FLAG_WAIT_SET_ANY, &error) == 0x05);
  CHECK(OSFlagAccept(group, 0x0a, OS_FLAG_WAIT_CLR_ALL, &error) == 0x0a);
  CHECK(OSFlagAccept(group, 0x0b, OS_FLAG_WAIT_CLR_ALL, &error) == 0);
  CHECK(OSFlagAccept(group, 0x0b, OS_FLAG_WAIT_CLR_ANY, &error) == 0x0a);
  CHECK(OSFlagAccept(group, 0x01, 4, &error) == 0 && error == OS_ERR_FLAG_WAIT_TYPE);
  CHECK(OSFlagAccept(group, 0x01, OS_FLAG_WAIT_SET_ANY + OS_FLAG_CONSUME, &error) == 0x01);
  CHECK(OSFlagQuery(group, &error) == 0x04);
  CHECK(OSFlagAccept(group, 0x10, OS_FLAG_WAIT_CLR_ALL + OS_FLAG_CONSUME, &error) == 0x10);
  CHECK(OSFlagQuery(group, &error) == 0x14);
}

static void wait_for(INT32U n, OS_FLAG_GRP *group, OS_FLAGS flags, INT8U type, INT32U timeout) {
  helpers[n].flags = flags;
  helpers[n].wait_type = type;
  helper_start(n, HELPER_FLAG_PEND, group, timeout);
}

static void test_flag_waiters(OS_FLAG_GRP *group) {
  INT8U error;

  CHECK(OSFlagPost(group, 0xffffffff, OS_FLAG_CLR, &error) == 0 && error == OS_ERR_NONE);
  CHECK(OSFlagPost(group, 1, 2, &error) == 0 && error == OS_ERR_FLAG_INVALID_OPT);
  wait_for(0, group, 0x80000001, OS_FLAG_WAIT_SET_ALL + OS_FLAG_CONSUME, 0);
  wait_for(1, group, 0x80000001, OS_FLAG_WAIT_SET_ANY, 0);
  CHECK(OSFlagPost(group, 0x80000000, OS_FLAG_SET, &error) == 0x80000000);
  CHECK(helpers[0].busy && !helpers[1].busy && helpers[1].value == 0x80000000);
  wait_for(1, group, 0x1, OS_FLAG_WAIT_SET_ANY, 0);
  (void)OSFlagPost(group, 0x3, OS_FLAG_SET, &error); /* both see it, one consumes */
  CHECK(!helpers[0].busy && helpers[0].value == 0x80000001);
  CHECK(!helpers[1].busy && helpers[1].value == 0x1);
  CHECK(OSFlagQuery(group, &error) == 0x2);
  wait_for(0, group, 0x2, OS_FLAG_WAIT_CLR_ANY, 2);
  OSTimeDly(3);
  CHECK(helpers[0].error == OS_ERR_TIMEOUT && helpers[0].value == 0);
  CHECK(OSFlagPend(group, 0x2, OS_FLAG_WAIT_SET_ALL, 0, &error) == 0x2 && error == OS_ERR_NONE);
}

void test_flag(void) {
  INT8U error;
  OS_FLAG_GRP *group = OSFlagCreate(0x05, &error);

  CHECK(error == OS_ERR_NONE);
  test_accept(group);
  test_flag_waiters(group);
  wait_for(0, group, 0x100, OS_FLAG_WAIT_SET_ALL, 0);
  CHECK(OSFlagDel(group, OS_DEL_NO_PEND, &error) == group && error == OS_ERR_TASK_WAITING);
  CHECK(OSFlagDel(group, OS_DEL_ALWAYS, &error) == (OS_FLAG_GRP *)0 && error == OS_ERR_NONE);
  CHECK(helpers[0].error == OS_ERR_PEND_ABORT);
  CHECK(OSFlagQuery(group, &error) == 0 && error == OS_ERR_EVENT_TYPE);
  CHECK(OSFlagQuery((OS_FLAG_GRP *)0, &error) == 0 && error == OS_ERR_FLAG_INVALID_PGRP);
}
