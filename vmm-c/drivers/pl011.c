// SPDX-License-Identifier: Apache-2.0
#include "drivers/pl011.h"

#include "board.h"
#include "drivers/mmio.h"

/* Registers and bits: ARM DDI 0183, chapter 3. */
#define UARTDR 0x00
#define UARTFR 0x18
#define UARTIBRD 0x24
#define UARTFBRD 0x28
#define UARTLCR_H 0x2c
#define UARTCR 0x30
#define UARTIMSC 0x38
#define UARTICR 0x44

#define FR_RXFE 0x10u
#define FR_TXFF 0x20u
#define LCR_H_FEN 0x10u
#define LCR_H_8BIT 0x60u
#define CR_ENABLE 0x301u /* UARTEN, TXE, RXE */
#define INT_RX 0x10u
#define INT_RX_TIMEOUT 0x40u
#define INT_ALL 0x7ffu

#define BAUD 115200u
/* Divisor in 1/64: 4 * clock / baud, rounded to the nearest (3.3.6). */
#define DIVISOR ((8u * BOARD_UART_CLOCK_HZ / BAUD + 1u) / 2u)

void uart_init(unsigned n) {
  uint32_t base = BOARD_UART_BASE(n);
  mmio_write(base + UARTCR, 0);
  mmio_write(base + UARTICR, INT_ALL);
  mmio_write(base + UARTIBRD, DIVISOR / 64u);
  mmio_write(base + UARTFBRD, DIVISOR % 64u);
  mmio_write(base + UARTLCR_H, LCR_H_8BIT | LCR_H_FEN); /* a write of LCR_H also takes over the divisor */
  mmio_write(base + UARTIMSC, INT_RX | INT_RX_TIMEOUT);
  mmio_write(base + UARTCR, CR_ENABLE);
}

static void put_raw(uint32_t base, char c) {
  while ((mmio_read(base + UARTFR) & FR_TXFF) != 0) {
  }
  mmio_write(base + UARTDR, (uint8_t)c);
}

void uart_put(unsigned n, char c) {
  uint32_t base = BOARD_UART_BASE(n);
  if (c == '\n') {
    put_raw(base, '\r');
  }
  put_raw(base, c);
}

bool uart_ready(unsigned n) {
  return (mmio_read(BOARD_UART_BASE(n) + UARTFR) & FR_TXFF) == 0;
}

int uart_get(unsigned n) {
  uint32_t base = BOARD_UART_BASE(n);
  if ((mmio_read(base + UARTFR) & FR_RXFE) != 0) {
    return -1;
  }
  return (int)(mmio_read(base + UARTDR) & 0xffu);
}

void uart_irq_clear(unsigned n) {
  mmio_write(BOARD_UART_BASE(n) + UARTICR, INT_RX | INT_RX_TIMEOUT);
}
