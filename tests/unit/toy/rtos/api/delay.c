/* SPDX-License-Identifier: Apache-2.0 */
#include "toy.h"

static volatile int total;

void toy_delay(int ticks) {
  total += ticks;
}
