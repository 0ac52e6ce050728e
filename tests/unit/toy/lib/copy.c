/* SPDX-License-Identifier: Apache-2.0 */
#include "toy.h"

uint8_t kernel_area[300];

void toy_copy(void *to, const void *from, uint32_t bytes) {
  char *out = to;
  const char *in = from;
  while (bytes--) {
    *out++ = *in++;
  }
}
