/* SPDX-License-Identifier: Apache-2.0 */
/* The VMM's tick: first timer of the SP804 dual timer (ARM DDI 0271). Its interrupt ID is BOARD_TICK_IRQ. */
#ifndef DRIVERS_SP804_H
#define DRIVERS_SP804_H

#include <stdint.h>

#include "board.h"
#include "drivers/mmio.h"

#define SP804_INTCLR (BOARD_SP804_BASE + 0x0c)

/* Starts a periodic interrupt; period in microseconds, 1..4294967295. */
void tick_init(uint32_t period_us);

/* Ends the timer's interrupt request. */
static inline void tick_clear(void) {
  mmio_write(SP804_INTCLR, 0);
}

#endif
