/* SPDX-License-Identifier: Apache-2.0 */
#include "board.h"

#include "cpu.h"

/* GIC architecture 1 (ARM IHI 0048). */
#define GICD_CTLR 0x000u
#define GICD_ISENABLER 0x100u
#define GICD_IPRIORITYR 0x400u
#define GICD_ITARGETSR 0x800u
#define GICC_CTLR 0x00u
#define GICC_PMR 0x04u
#define GICC_IAR 0x0cu
#define GICC_EOIR 0x10u
#define GIC_ID_MASK 0x3ffu

/* SP804 (ARM DDI 0271). */
#define TIMER_LOAD 0x00u
#define TIMER_CONTROL 0x08u
#define TIMER_INTCLR 0x0cu
#define TIMER_CONTROL_RUN 0xe2u /* enabled, periodic, with interrupt, 32 bits */

/* PL011 (ARM DDI 0183). */
#define UART_DATA 0x00u
#define UART_FLAGS 0x18u
#define UART_CONTROL 0x30u
#define UART_FLAG_FULL 0x20u
#define UART_CONTROL_ON 0x301u

/* Cortex-A9 MPCore global timer (ARM DDI 0407, 4.4). */
#define GLOBAL_LOW 0x00u
#define GLOBAL_HIGH 0x04u
#define GLOBAL_CONTROL 0x08u

/* Motherboard configuration (ARM DUI 0447, 4.3.14). */
#define SYS_CFGCTRL 0xa4u
#define SYS_CFG_SHUTDOWN 0xc0800000u /* start, write, function 8 */

static void write32(uint32_t address, uint32_t value) {
  *(volatile uint32_t *)address = value;
}

static uint32_t read32(uint32_t address) {
  return *(volatile uint32_t *)address;
}

void board_init(void) {
  write32(BOARD_UART0 + UART_CONTROL, UART_CONTROL_ON);
  write32(BOARD_GLOBAL_TIMER + GLOBAL_CONTROL, 1);
  *(volatile uint8_t *)(BOARD_GIC_DIST + GICD_IPRIORITYR + BOARD_TIMER_IRQ) = 0x80;
  *(volatile uint8_t *)(BOARD_GIC_DIST + GICD_ITARGETSR + BOARD_TIMER_IRQ) = 1;
  write32(BOARD_GIC_DIST + GICD_ISENABLER + 4u * (BOARD_TIMER_IRQ / 32u), 1u << BOARD_TIMER_IRQ % 32u);
  write32(BOARD_GIC_DIST + GICD_CTLR, 1);
  write32(BOARD_GIC_CPU + GICC_PMR, 0xf0);
  write32(BOARD_GIC_CPU + GICC_CTLR, 1);
}

void board_tick_start(uint32_t period_us) {
  write32(BOARD_TIMER + TIMER_LOAD, period_us);
  write32(BOARD_TIMER + TIMER_CONTROL, TIMER_CONTROL_RUN);
}

uint32_t board_ticks_take(void) {
  uint32_t ticks = 0;
  uint32_t acknowledged = read32(BOARD_GIC_CPU + GICC_IAR);

  if ((acknowledged & GIC_ID_MASK) == BOARD_TIMER_IRQ) {
    write32(BOARD_TIMER + TIMER_INTCLR, 1);
    write32(BOARD_GIC_CPU + GICC_EOIR, acknowledged);
    ticks = 1;
  }
  return ticks;
}

uint64_t board_time(void) {
  uint32_t high;
  uint32_t low;

  do { /* the low word may wrap between two reads */
    high = read32(BOARD_GLOBAL_TIMER + GLOBAL_HIGH);
    low = read32(BOARD_GLOBAL_TIMER + GLOBAL_LOW);
  } while (read32(BOARD_GLOBAL_TIMER + GLOBAL_HIGH) != high);
  return (uint64_t)high << 32 | low;
}

void board_write(const char *text, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    while ((read32(BOARD_UART0 + UART_FLAGS) & UART_FLAG_FULL) != 0) {
    }
    write32(BOARD_UART0 + UART_DATA, (uint8_t)text[i]);
  }
}

_Noreturn void board_power_off(void) {
  write32(BOARD_SYSREGS + SYS_CFGCTRL, SYS_CFG_SHUTDOWN);
  for (;;) {
    cpu_wait_for_interrupt();
  }
}
