/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "lib/vmi_calls.h"

void victim_task(void *argument) {
  uint32_t random = 12345;

  (void)argument;
  for (uint32_t i = 0; i < fault_kind_count; i++) {
    fault_test("task", &fault_kinds[i], CALL_CHECKPOINT, &random);
  }
  (void)vmi_call0(CALL_FINISHED);
}
