/* SPDX-License-Identifier: Apache-2.0 */
#include "toy.h"

void kernel_main(void) {
  for (;;) {
    toy_copy(kernel_area, __kernel_stack_top, 4);
  }
}
