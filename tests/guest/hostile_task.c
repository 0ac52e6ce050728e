/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant 2, from a task. */
#include "hostile.h"

static bool prepare(uint32_t number) {
  return number != CALL_FINISHED;
}

void hostile_task(void *argument) {
  struct report report = {"hostile.task", 0, 0};

  (void)argument;
  hostile_numbers(&report, HOSTILE_TASK, 0, HOSTILE_NUMBERS, prepare);
  print("\n");
  report_end(&report);
  (void)vmi_call0(CALL_FINISHED);
}
