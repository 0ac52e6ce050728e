/* SPDX-License-Identifier: Apache-2.0 */
#include "task_table.h"
#include "toy.h"

uint32_t OSTime = 3;

void kernel_main(void) {
  for (uint32_t i = 0; i < os_task_count; i++) {
    toy_copy(kernel_area, os_task_table[i].stack_top, OSTime);
    os_task_table[i].entry(os_task_table[i].arg);
  }
}
