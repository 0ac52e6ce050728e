// SPDX-License-Identifier: Apache-2.0
#include "drivers/global_timer.h"

/* ARM DDI 0407, 4.4.1. */
#define CONTROL (BOARD_GLOBAL_TIMER_BASE + 0x08)
#define CONTROL_ENABLE 1u

void timer_init(void) {
  mmio_write(CONTROL, CONTROL_ENABLE);
}
