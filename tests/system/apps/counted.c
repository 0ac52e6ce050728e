/* SPDX-License-Identifier: Apache-2.0 */
/* Loops of known length between two calls, the time that they took, and power-off. */
#include "lib/guest.h"
#include "lib/print.h"
#include "lib/vmi_calls.h"
#include "lib/vmi_manage.h"

#define LOOPS 200u
#define STEP 400u

void counted_loop(uint32_t rounds);

void guest_main(const struct vmi_info *info) {
  (void)info;
  for (uint32_t i = 1; i <= LOOPS; i++) {
    counted_loop(i * STEP);
    print("loop %u at %u\n", (unsigned)i, (unsigned)vmi_time());
  }
  (void)vmi_halt();
}
