/* SPDX-License-Identifier: Apache-2.0 */
/* What the bare port uses of the Versatile Express with the Cortex-A9 CoreTile (ARM DUI 0448, DUI 0447). */
#ifndef BARE_BOARD_H
#define BARE_BOARD_H

#include <stdint.h>

#define BOARD_SYSREGS 0x10000000u
#define BOARD_UART0 0x10009000u
#define BOARD_TIMER 0x10011000u        /* SP804, 1 MHz */
#define BOARD_GIC_CPU 0x1e000100u
#define BOARD_GLOBAL_TIMER 0x1e000200u /* Cortex-A9 MPCore */
#define BOARD_GIC_DIST 0x1e001000u

#define BOARD_TIMER_IRQ 34u

/* Interrupt controller, UART and global timer, with the interrupt of the tick let through. */
void board_init(void);

void board_tick_start(uint32_t period_us);

/* Takes the pending interrupts; returns the number of ticks among them. */
uint32_t board_ticks_take(void);

/* The global timer: the VMI's VMI_TIME. */
uint64_t board_time(void);

void board_write(const char *text, uint32_t length);

/* Ends the machine, if it can; otherwise just stops. */
_Noreturn void board_power_off(void);

#endif
