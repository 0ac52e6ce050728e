/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the C code must know of the Versatile Express with the Cortex-A9 CoreTile.
 * Source: ARM DUI 0448 (CoreTile Express A9x4, memory map and interrupts), ARM DUI 0447 (motherboard).
 * All addresses are physical; the devices are FIXED (VA = PA, R5).
 */
#ifndef BOARD_H
#define BOARD_H

#define BOARD_NAME "vexpress-a9"

#define BOARD_RAM_BASE 0x60000000u
#define BOARD_RAM_SIZE_MAX 0x40000000u /* bytes the board can carry; the system's TOML says how much is there */

/* Motherboard peripherals, one 1 MiB section. */
#define BOARD_DEVICE_BASE 0x10000000u
#define BOARD_DEVICE_SIZE 0x00100000u
#define BOARD_SYSREGS_BASE 0x10000000u
#define BOARD_SP804_BASE 0x10011000u
#define BOARD_UART_COUNT 4u
#define BOARD_UART_BASE(n) (0x10009000u + 0x1000u * (n))

/* Private memory region of the Cortex-A9 MPCore (ARM DDI 0407, 1.5), inside one 1 MiB section. */
#define BOARD_PERIPH_BASE 0x1e000000
#define BOARD_GIC_CPU_BASE 0x1e000100
#define BOARD_GLOBAL_TIMER_BASE 0x1e000200
#define BOARD_GIC_DIST_BASE 0x1e001000

/* Interrupt IDs: shared peripheral interrupt n is ID 32 + n. */
#define BOARD_TICK_IRQ 34
#define BOARD_UART_IRQ(n) (37u + (n))
#define BOARD_UART_OF_IRQ(id) ((id) - 37u)
#define BOARD_IRQ_COUNT 96u

/* Clocks, in Hz. */
#define BOARD_UART_CLOCK_HZ 24000000u
#define BOARD_TICK_CLOCK_HZ 1000000u
#define BOARD_TIMER_CLOCK_HZ 100000000u /* global timer under QEMU, prescaler 0: 10 ns per count */

#ifndef __ASSEMBLER__
/* Ends the machine: asks the system configuration controller for shutdown. Does not return. */
_Noreturn void board_power_off(void);
#endif

#endif
