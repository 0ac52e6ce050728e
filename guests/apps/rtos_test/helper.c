/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/rtos_test/helper.h"

void helper_task(void *argument);

static void execute(struct helper *helper) {
  INT8U error = OS_ERR_NONE;
  INT32U value = 0;

  switch (helper->command) {
    case HELPER_SEM_PEND:
      OSSemPend(helper->object, helper->timeout, &error);
      break;
    case HELPER_MUTEX_PEND:
      OSMutexPend(helper->object, helper->timeout, &error);
      break;
    case HELPER_MUTEX_POST:
      error = OSMutexPost(helper->object);
      break;
    case HELPER_MBOX_PEND:
      value = (INT32U)OSMboxPend(helper->object, helper->timeout, &error);
      break;
    case HELPER_Q_PEND:
      value = (INT32U)OSQPend(helper->object, helper->timeout, &error);
      break;
    case HELPER_FLAG_PEND:
      value = OSFlagPend(helper->object, helper->flags, helper->wait_type, helper->timeout, &error);
      break;
    case HELPER_DELAY:
      OSTimeDly(helper->timeout);
      break;
    case HELPER_SUSPEND_SELF:
      error = OSTaskSuspend(OS_PRIO_SELF);
      break;
    case HELPER_DELETE_SELF:
      error = OSTaskDel(OS_PRIO_SELF);
      break;
  }
  helper->value = value;
  helper->error = error;
  helper->ended = OSTimeGet();
  helper->busy = OS_FALSE;
}

/* The argument is the number of the helper. */
void helper_task(void *argument) {
  INT32U n = (INT32U)argument;

  helper_create(n);
  for (;;) {
    INT8U error;

    OSSemPend(helpers[n].start, 0, &error);
    execute(&helpers[n]);
  }
}
