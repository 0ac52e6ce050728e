/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A count and a value that belong together, in persistent memory. A checkpoint may be taken between any two instructions:
 * the new pair goes beside the old one, and becomes the valid one by one store.
 */
#ifndef APPS_TALLY_TOTALS_H
#define APPS_TALLY_TOTALS_H

#include <stdint.h>

struct total {
  uint32_t count;
  uint32_t value;
};

struct total totals_get(void);
void totals_set(struct total total);

/* Prints the line that the first life, and each one after a reset, begins with. */
void totals_introduce(const char *who);

#endif
