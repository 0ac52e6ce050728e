/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rtos_test/helper.h"

struct helper helpers[HELPERS];
volatile INT32U spawned_argument;
volatile INT32U spawned_runs;

/* Whoever comes first: tester or helper. */
void helper_create(INT32U n) {
  OSSchedLock();
  if (helpers[n].start == (void *)0) {
    helpers[n].start = OSSemCreate(0);
  }
  OSSchedUnlock();
}

void helper_start(INT32U n, enum helper_command command, void *object, INT32U timeout) {
  struct helper *helper = &helpers[n];

  helper->command = command;
  helper->object = object;
  helper->timeout = timeout;
  helper->busy = OS_TRUE;
  helper->error = 0xee;
  helper->value = 0;
  (void)OSSemPost(helper->start);
}
