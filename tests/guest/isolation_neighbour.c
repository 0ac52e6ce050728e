/* SPDX-License-Identifier: Apache-2.0 */
#include "isolation.h"
#include "lib/vmi_calls.h"

void neighbour_task(void *argument) {
  (void)argument;
  for (;;) {
    (void)vmi_call0(CALL_BACK);
  }
}
