/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the console (console.c: input and UARTs, console_output.c) share. */
#ifndef CORE_CONSOLE_RINGS_H
#define CORE_CONSOLE_RINGS_H

#include <stdint.h>

/* First position that a ring still holds. */
static inline uint32_t ring_oldest(uint32_t start, uint32_t written, uint32_t size) {
  return written - start > size ? written - size : start;
}

/* console_reset, the part of the output. */
void console_output_reset(unsigned vm);

/* Positions that cannot be, in what a micro-reboot kept, are forgotten with all their text. */
void console_output_check(unsigned vm);

#endif
