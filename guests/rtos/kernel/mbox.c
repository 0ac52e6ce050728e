/* SPDX-License-Identifier: Apache-2.0 */
/* Mailboxes: one message, a null pointer means empty. */
#include "handlers.h"

/* a0: first message */
os_result os_mbox_create(const INT32U *a) {
  struct os_event *mbox = os_event_create(EVENT_MBOX);

  if (mbox == NULL) {
    return os_ok(0);
  }
  mbox->value = a[0];
  return os_ok((INT32U)mbox);
}

/* a0: mailbox, a1: time-out */
os_result os_mbox_pend(const INT32U *a) {
  INT8U error;
  struct os_event *mbox = os_event_find(a[0], EVENT_MBOX, &error);
  INT32U message;

  if (mbox == NULL) {
    return os_error(error);
  }
  message = mbox->value;
  if (message != 0) {
    mbox->value = 0;
    return os_ok(message);
  }
  if (OSLockNesting != 0) {
    return os_error(OS_ERR_PEND_LOCKED);
  }
  return os_event_wait(mbox, OS_STAT_MBOX, a[1]);
}

/* a0: mailbox, a1: message, a2: OS_POST_OPT_... */
os_result os_mbox_post(const INT32U *a) {
  INT8U error;
  struct os_event *mbox = os_event_find(a[0], EVENT_MBOX, &error);
  bool all = (a[2] & OS_POST_OPT_BROADCAST) != 0;
  os_result stay = (a[2] & OS_POST_OPT_NO_SCHED) != 0 ? OS_STAY : os_error(OS_ERR_NONE);

  if (mbox == NULL) {
    return os_error(error);
  }
  if (a[1] == 0) {
    return os_error(OS_ERR_POST_NULL_PTR);
  }
  if (mbox->waiters != 0) {
    do {
      os_event_wake(os_event_best(mbox), a[1], OS_ERR_NONE);
    } while (all && mbox->waiters != 0);
    return stay;
  }
  if (mbox->value != 0) {
    return os_error(OS_ERR_MBOX_FULL);
  }
  mbox->value = a[1];
  return os_error(OS_ERR_NONE);
}

/* a0: mailbox. The value is the message, or null. */
os_result os_mbox_accept(const INT32U *a) {
  INT8U error;
  struct os_event *mbox = os_event_find(a[0], EVENT_MBOX, &error);
  INT32U message;

  if (mbox == NULL) {
    return os_error(error);
  }
  message = mbox->value;
  mbox->value = 0;
  return os_ok(message);
}
