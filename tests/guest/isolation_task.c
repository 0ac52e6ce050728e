/* SPDX-License-Identifier: Apache-2.0 */
/* R9: a task can touch neither another task nor its own guest kernel. */
#include "isolation.h"
#include "lib/vmi_calls.h"

static enum access expected_of_task(uint32_t address) {
  if (address == VMI_TASK_BASE || address == VMI_SHARED_BASE || address == VMI_INFO_PAGE ||
      address == VMI_INFO_PAGE + 0xffc) {
    return ACCESS_READ;
  }
  return ACCESS_NONE;
}

static int32_t checkpoint_of_task(void) {
  return vmi_call0(CALL_CHECKPOINT);
}

void prober_task(void *argument) {
  (void)argument;
  isolation_checkpoint = checkpoint_of_task;
  isolation_sweep("isolation.task", expected_of_task);
  (void)vmi_call0(CALL_FINISHED);
}
