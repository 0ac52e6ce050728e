/* SPDX-License-Identifier: Apache-2.0 */
/* Prints `pt <count> <value>`: the xorshift32 values of 0x7a11. It goes on after a warm reset where it was. */
#include "apps/sequence.h"
#include "apps/tally/totals.h"
#include "print.h"
#include "ucos_ii.h"

void tally_task(void *argument);

void tally_task(void *argument) {
  (void)argument;
  totals_introduce("tally");
  for (;;) {
    struct total total = totals_get();

    total.value = xorshift32(total.value);
    print("pt %lu %08lx\n", (unsigned long)total.count, (unsigned long)total.value);
    total.count++;
    totals_set(total);
    OSTimeDly(1);
  }
}
