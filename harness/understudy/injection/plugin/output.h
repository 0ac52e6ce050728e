/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine sends through its UARTs, which QEMU writes to files. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Before the machine runs: the file of the next UART. */
void output_add(const char *path);

/* When it runs. Returns what is wrong, or NULL. */
const char *output_open(void);

/* The output of an experiment begins here. */
void output_begin(void);

/* Put the sizes of what was sent since to `to`, 4 bytes each. Returns the bytes used. */
size_t output_sizes(uint8_t *to);

/* Add what was sent to a report of `at` bytes. Returns its new size. */
size_t output_collect(uint8_t *report, size_t at);

/* Remove it from the files. false: that is not possible. */
bool output_forget(void);

#endif
