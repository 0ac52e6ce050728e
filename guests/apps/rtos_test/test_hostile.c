/* SPDX-License-Identifier: Apache-2.0 */
/* Every call with arguments no honest task would use: the kernel refuses and works on. */
#include "apps/rtos_test/test.h"
#include "os_calls.h"
#include "vmi_calls.h"

/* No valid priority among them, and no valid handle. */
static const INT32U values[] = {
    0x100u,     0x1000u,     0x100000u,   0x100001u,   0x101234u,   0x1fefffu,   0x1ff000u,   0x300000u,   0x400000u,
    0x1000000u, 0x0badc0d0u, 0x10009000u, 0x60000000u, 0x7fffffffu, 0x80000000u, 0xfffffffcu, 0xffffffffu,
};

#define VALUES (sizeof(values) / sizeof(values[0]))

/* These take any value, or would stop the tester itself. */
static int takes_anything(INT32U number) {
  switch (number) {
    case OS_CALL_TIME_SET:
    case OS_CALL_TIME_DLY:
    case OS_CALL_SCHED_LOCK:
    case OS_CALL_SCHED_UNLOCK:
    case OS_CALL_SEM_CREATE:
    case OS_CALL_MBOX_CREATE:
    case OS_CALL_FLAG_CREATE:
    case OS_CALL_VERSION:
    case OS_CALL_TIME_GET:
    case OS_CALL_APP:
    case OS_CALL_SAFE_POINT:
      return 1;
    default:
      return 0;
  }
}

static void test_numbers(void) {
  for (INT32U number = 0; number <= VMI_GUEST_CALL_MAX - VMI_GUEST_CALL; number++) {
    int refused = 1;

    if (takes_anything(number)) {
      continue;
    }
    for (INT32U i = 0; i < VALUES; i++) {
      INT32U other = values[(i * 5 + number) % VALUES];
      struct vmi_result result = vmi_call(VMI_GUEST_CALL + number, values[i], other, values[(i * 7) % VALUES], other);

      refused = refused && (result.second != OS_ERR_NONE || number == OS_CALL_Q_CREATE);
    }
    CHECK(refused);
  }
}

/* Real handles, each of another kind than the call wants, and addresses beside them. */
static void test_handles(void) {
  OS_EVENT *sem = OSSemCreate(1);
  OS_SEM_DATA data;
  INT8U error;

  CHECK(OSMutexPost(sem) == OS_ERR_EVENT_TYPE);
  CHECK(OSMboxPost(sem, sem) == OS_ERR_EVENT_TYPE);
  CHECK(OSQPost(sem, sem) == OS_ERR_EVENT_TYPE);
  CHECK(OSFlagPost((OS_FLAG_GRP *)(void *)sem, 1, OS_FLAG_SET, &error) == 0 && error == OS_ERR_EVENT_TYPE);
  CHECK(OSMutexDel(sem, OS_DEL_ALWAYS, &error) == sem && error == OS_ERR_EVENT_TYPE);
  CHECK(OSSemPost((OS_EVENT *)((INT32U)sem + 4u)) == OS_ERR_EVENT_TYPE);
  CHECK(OSSemPost((OS_EVENT *)((INT32U)sem + 1u)) == OS_ERR_EVENT_TYPE);
  CHECK(OSSemPost((OS_EVENT *)0) == OS_ERR_PEVENT_NULL);
  OSSemPend((OS_EVENT *)0, 0, &error);
  CHECK(error == OS_ERR_PEVENT_NULL);
  CHECK(OSSemQuery(sem, (OS_SEM_DATA *)0) == OS_ERR_PDATA_NULL);
  CHECK(OSSemQuery(sem, &data) == OS_ERR_NONE && data.OSCnt == 1);
  OSSemPend(sem, 0, (INT8U *)0); /* nowhere to put the error code: nothing happens */
  CHECK(OSSemAccept(sem) == 1);
  (void)OSSemDel(sem, OS_DEL_NO_PEND, &error);
  CHECK(error == OS_ERR_NONE);
}

/* Buffers for results: only the caller's own stack will do. */
static void test_buffers(void) {
  static OS_TCB data;
  OS_TCB local = {0};
  INT32U start = (INT32U)&local;

  CHECK(vmi_call(VMI_GUEST_CALL + OS_CALL_TASK_QUERY, OS_PRIO_SELF, (INT32U)&data, 0, 0).second == OS_ERR_PDATA_NULL);
  CHECK(vmi_call(VMI_GUEST_CALL + OS_CALL_TASK_QUERY, OS_PRIO_SELF, start + 1u, 0, 0).second == OS_ERR_PDATA_NULL);
  CHECK(vmi_call(VMI_GUEST_CALL + OS_CALL_TASK_QUERY, OS_PRIO_SELF, start, 0, 0).second == OS_ERR_NONE);
  start = (INT32U)local.OSTCBStkBottom;
  CHECK(vmi_call(VMI_GUEST_CALL + OS_CALL_TASK_QUERY, OS_PRIO_SELF, start - 4u, 0, 0).second == OS_ERR_PDATA_NULL);
  start += local.OSTCBStkSize * 4u;
  CHECK(vmi_call(VMI_GUEST_CALL + OS_CALL_TASK_QUERY, OS_PRIO_SELF, start, 0, 0).second == OS_ERR_PDATA_NULL);
  CHECK(vmi_call(VMI_GUEST_CALL + OS_CALL_TASK_QUERY, OS_PRIO_SELF, start - 4u, 0, 0).second == OS_ERR_PDATA_NULL);
  CHECK(OSTaskQuery(OS_PRIO_SELF, &data) == OS_ERR_NONE && data.OSTCBPrio == TESTER_PRIO);
}

/* All events used up: every kind says so, and all come back. */
static void test_exhaustion(void) {
  OS_EVENT *taken[OS_MAX_EVENTS];
  INT32U count = 0;
  INT8U error;

  while (count < OS_MAX_EVENTS && (taken[count] = OSSemCreate(0)) != (OS_EVENT *)0) {
    count++;
  }
  CHECK(count > OS_MAX_EVENTS / 2 && count < OS_MAX_EVENTS);
  CHECK(OSMboxCreate((void *)0) == (OS_EVENT *)0);
  CHECK(OSQCreate((void **)0, 1) == (OS_EVENT *)0);
  CHECK(OSMutexCreate(9, &error) == (OS_EVENT *)0 && error == OS_ERR_PEVENT_NULL);
  CHECK(OSFlagCreate(0, &error) == (OS_FLAG_GRP *)0 && error == OS_ERR_FLAG_GRP_DEPLETED);
  while (count != 0) {
    (void)OSSemDel(taken[--count], OS_DEL_NO_PEND, &error);
    CHECK(error == OS_ERR_NONE);
  }
}

void test_hostile(void) {
  test_numbers();
  test_handles();
  test_buffers();
  test_exhaustion();
}
