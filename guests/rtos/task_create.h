/* SPDX-License-Identifier: Apache-2.0 */
/* OSTaskCreateExt has more arguments than there are registers: its stub keeps them in its stack frame. */
#ifndef TASK_CREATE_H
#define TASK_CREATE_H

#include "os_cpu.h"

struct os_create_ext {
  INT32U entry;
  INT32U argument;
  INT32U stack;
  INT32U prio;
  INT32U extension;
  INT16U id;
  INT16U options;
};

#endif
