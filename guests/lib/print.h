/* SPDX-License-Identifier: Apache-2.0 */
/* Output to the console of the VM, for kernels and tasks. Formats: see format.h. */
#ifndef LIB_PRINT_H
#define LIB_PRINT_H

#include <stddef.h>

#define PRINT_MAX 256 /* characters per print(); what is longer is cut off */

/* One VMI call per print(): lines of several writers do not mix. */
void print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Text of any length, as it is. */
void print_bytes(const char *text, size_t length);

#endif
