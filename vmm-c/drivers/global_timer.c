// SPDX-License-Identifier: Apache-2.0
#include "drivers/global_timer.h"

/* ARM DDI 0407, 4.4.1. */
#define COUNTER_LOW (BOARD_GLOBAL_TIMER_BASE + 0x00)
#define COUNTER_HIGH (BOARD_GLOBAL_TIMER_BASE + 0x04)
#define CONTROL (BOARD_GLOBAL_TIMER_BASE + 0x08)
#define CONTROL_ENABLE 1u

void timer_init(void) {
  mmio_write(CONTROL, CONTROL_ENABLE);
}

uint64_t timer_now(void) {
  uint32_t high = mmio_read(COUNTER_HIGH);
  for (;;) {
    uint32_t low = mmio_read(COUNTER_LOW);
    uint32_t again = mmio_read(COUNTER_HIGH);
    if (again == high) {
      return (uint64_t)high << 32 | low;
    }
    high = again;
  }
}
