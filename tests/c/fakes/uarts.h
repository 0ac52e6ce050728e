/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of consoles: UARTs, interrupts, and three VMs: "vm0" with UART 0, "one" with UART 1, "two" without one. */
#ifndef FAKES_UARTS_H
#define FAKES_UARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board.h"

extern char sent[BOARD_UART_COUNT][8192]; /* NUL-terminated */
extern size_t sent_count[BOARD_UART_COUNT];
extern const char *to_receive[BOARD_UART_COUNT];
extern uint32_t raised[3]; /* lines, by VM */
extern unsigned enabled_irqs;
extern bool uart_full;

/* Setup of a test: nothing sent, nothing received, no output held. */
int uarts_fresh(void **state);

/* Writes it all. */
void write_text(unsigned vm, const char *text);

/* The offset of the next byte in the log. */
uint32_t end_of_log(unsigned vm);

#endif
