/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Global timer of the Cortex-A9 MPCore: 64 bits, counts up at BOARD_TIMER_CLOCK_HZ (ARM DDI 0407, 4.4).
 * It is the clock of the system: never stopped, never set back.
 */
#ifndef DRIVERS_GLOBAL_TIMER_H
#define DRIVERS_GLOBAL_TIMER_H

#include <stdint.h>

#include "board.h"
#include "drivers/mmio.h"

/* Starts the counter, without prescaler, interrupt or comparator. */
void timer_init(void);

/* The count, consistent across a carry between the two halves. */
static inline uint64_t timer_now(void) {
  uint32_t high;
  uint32_t low;
  do {
    high = mmio_read(BOARD_GLOBAL_TIMER_BASE + 4);
    low = mmio_read(BOARD_GLOBAL_TIMER_BASE);
  } while (mmio_read(BOARD_GLOBAL_TIMER_BASE + 4) != high);
  return (uint64_t)high << 32 | low;
}

/* The low 32 bits alone, one load: for differences of less than 2^32 counts (42 s at 100 MHz). */
static inline uint32_t timer_now_low(void) {
  return mmio_read(BOARD_GLOBAL_TIMER_BASE);
}

#endif
