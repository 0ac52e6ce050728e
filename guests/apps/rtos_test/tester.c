/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole interface of the kernel, each function and each error code it can give. Prints one line per group and
 * at the end `rtos_test passed <n> failed <m>`; the same on the VMM and on the bare board.
 */
#include "apps/rtos_test/test.h"
#include "print.h"

static unsigned passed;
static unsigned failed;

void tester_task(void *argument);

void test_check(int good, const char *file, int line) {
  if (good) {
    passed++;
  } else {
    failed++;
    print("rtos_test check failed: %s:%d\n", file, line);
  }
}

static void run(const char *name, void (*test)(void)) {
  unsigned before = failed;

  test();
  print("rtos_test %s %s\n", name, failed == before ? "ok" : "FAILED");
}

void tester_task(void *argument) {
  (void)argument;
  for (INT32U n = 0; n < HELPERS; n++) {
    helper_create(n);
  }
  run("core", test_core);
  run("time", test_time);
  run("sem", test_sem);
  run("mutex", test_mutex);
  run("mbox", test_mbox);
  run("queue", test_queue);
  run("flag", test_flag);
  run("task", test_task);
  run("hostile", test_hostile);
  print("rtos_test passed %u failed %u\n", passed, failed);
  (void)OSTaskDel(OS_PRIO_SELF);
}
