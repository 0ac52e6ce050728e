/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupt controller of the Cortex-A9 MPCore, GIC architecture 1 (ARM IHI 0048, DDI 0407 chapter 3). */
#ifndef DRIVERS_GIC_H
#define DRIVERS_GIC_H

#include <stdint.h>

#include "board.h"
#include "drivers/mmio.h"

#define GIC_ID_MASK 0x3ffu
#define GIC_SPURIOUS 1023u

#define GIC_ICCIAR (BOARD_GIC_CPU_BASE + 0x0c)
#define GIC_ICCEOIR (BOARD_GIC_CPU_BASE + 0x10)

/* What is active is ended, everything disabled, all shared interrupts level-sensitive, to CPU 0, with one priority; then both interfaces on. */
void gic_init(void);

/* Lets interrupt `id` (0..BOARD_IRQ_COUNT-1) through. */
void gic_enable(unsigned id);

/* Takes the pending interrupt: its ID is in the bits GIC_ID_MASK, GIC_SPURIOUS: none. Pass the value to gic_end. */
static inline uint32_t gic_acknowledge(void) {
  return mmio_read(GIC_ICCIAR);
}

/* Ends the interrupt `iar`, as gic_acknowledge gave it. Not for GIC_SPURIOUS (IHI 0048, 4.4.5). */
static inline void gic_end(uint32_t iar) {
  mmio_write(GIC_ICCEOIR, iar);
}

#endif
