/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UART0 belongs to the VMM's messages, the management VM and the mirrored lines of other VMs together.
 * All of them go through here, so that lines do not run into each other.
 */
#ifndef CORE_PRINT_H
#define CORE_PRINT_H

#include <stdbool.h>

/*
 * A line, or a part of one, of the VMM itself. Convention: lines start with "[vmm] " and end with '\n'.
 * Conversions as in lib/format.h; at most 255 characters per call. A line that somebody else left unfinished is ended
 * first.
 */
void print(const char *fmt, ...);

/* Ends an unfinished line without telling anybody: for a VMM that fails, and believes nothing of a VM. */
void print_alone(void);

/* One character of the management VM, unchanged. */
void print_guest(char c);

/* Do other lines stand between the last character of the management VM and its next one, which is of the same line? */
bool print_guest_is_cut(void);

/* The start of a line of its own: ends an unfinished one, whoever wrote it; then characters follow by print_own. */
void print_fresh_line(void);
void print_own(char c);

#endif
