/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PL011 UART, polled output, interrupt-driven input (ARM DDI 0183).
 * n: number of the UART, 0..BOARD_UART_COUNT-1, in all functions; the caller checks it.
 */
#ifndef DRIVERS_PL011_H
#define DRIVERS_PL011_H

#include <stdbool.h>

/* 115200 8N1, FIFOs on, receive interrupts on at the UART (the GIC must let them through too). */
void uart_init(unsigned n);

/* Sends one character; waits while the FIFO is full. '\n' goes out as "\r\n". */
void uart_put(unsigned n, char c);

/* uart_put would not wait. */
bool uart_ready(unsigned n);

/* The oldest received character, 0..255, or -1: none. */
int uart_get(unsigned n);

/* Ends the UART's interrupt request; to be called before the FIFO is drained, so that no arrival is lost. */
void uart_irq_clear(unsigned n);

#endif
