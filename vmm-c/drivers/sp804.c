// SPDX-License-Identifier: Apache-2.0
#include "drivers/sp804.h"

/* ARM DDI 0271, 3.2. */
#define TIMERLOAD (BOARD_SP804_BASE + 0x00)
#define TIMERCONTROL (BOARD_SP804_BASE + 0x08)
#define CONTROL_ENABLE 0x80u
#define CONTROL_PERIODIC 0x40u
#define CONTROL_INTERRUPT 0x20u
#define CONTROL_32BIT 0x02u

_Static_assert(BOARD_TICK_CLOCK_HZ == 1000000u, "one count is one microsecond");

void tick_init(uint32_t period_us) {
  mmio_write(TIMERCONTROL, 0);
  tick_clear();
  mmio_write(TIMERLOAD, period_us);
  mmio_write(TIMERCONTROL, CONTROL_ENABLE | CONTROL_PERIODIC | CONTROL_INTERRUPT | CONTROL_32BIT);
}
