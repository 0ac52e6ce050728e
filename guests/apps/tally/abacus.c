/* SPDX-License-Identifier: Apache-2.0 */
/* The same as tally.c by another hand: it has other code, other tables and other bugs, but the same persistent memory. */
#include "apps/tally/totals.h"
#include "print.h"
#include "ucos_ii.h"

static uint32_t history[8]; /* tally.c has none: the addresses of everything else differ */

void abacus_task(void *argument);

static uint32_t next_value(uint32_t value) {
  static const int8_t shifts[] = {13, -17, 5};

  for (unsigned i = 0; i < sizeof shifts; i++) {
    value ^= shifts[i] > 0 ? value << shifts[i] : value >> -shifts[i];
  }
  return value;
}

void abacus_task(void *argument) {
  (void)argument;
  totals_introduce("abacus");
  for (;;) {
    struct total total = totals_get();
    uint32_t count = total.count++;

    total.value = next_value(total.value);
    history[count % 8u] = total.value;
    print("pt %lu %08lx\n", (unsigned long)count, (unsigned long)history[count % 8u]);
    totals_set(total);
    OSTimeDly(1);
  }
}
