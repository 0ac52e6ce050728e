/* SPDX-License-Identifier: Apache-2.0 */
#include "toy.h"

void toy_delay(int ticks) {
  static int total;
  total += ticks;
}
