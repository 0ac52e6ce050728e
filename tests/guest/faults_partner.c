/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "lib/vmi_calls.h"

void partner_task(void *argument) {
  uint32_t calls = 0;

  (void)argument;
  for (;;) {
    (void)vmi_call1(CALL_BACK, ++calls);
  }
}
