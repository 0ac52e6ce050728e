/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helper tasks do one blocking call at a time for the tester, which watches from a lower priority what
 * becomes of it. Everything here is in the memory the tasks share.
 */
#ifndef HELPER_H
#define HELPER_H

#include "ucos_ii.h"

enum helper_command {
  HELPER_SEM_PEND,
  HELPER_MUTEX_PEND,
  HELPER_MUTEX_POST,
  HELPER_MBOX_PEND,
  HELPER_Q_PEND,
  HELPER_FLAG_PEND,
  HELPER_DELAY,
  HELPER_SUSPEND_SELF,
  HELPER_DELETE_SELF,
};

#define HELPERS 2u
#define HELPER_PRIO(n) ((INT8U)(15u + (n))) /* as in the TOML; both more urgent than the tester */
#define TESTER_PRIO 20u
#define SPAWNED_PRIO 12u
#define SPAWN_SLOT 3u

struct helper {
  OS_EVENT *start; /* posted: there is a command */
  enum helper_command command;
  void *object;
  OS_FLAGS flags;
  INT8U wait_type;
  INT32U timeout;
  volatile BOOLEAN busy; /* the command has not come back */
  volatile INT8U error;
  volatile INT32U value;
  volatile INT32U ended; /* OSTimeGet when it came back */
};

extern struct helper helpers[HELPERS];
extern volatile INT32U spawned_argument; /* of the spawned task; 0: it did not run */
extern volatile INT32U spawned_runs;

/* Lets helper n do a call; returns when it blocks or is done. */
void helper_start(INT32U n, enum helper_command command, void *object, INT32U timeout);
void helper_create(INT32U n);

#endif
