/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small snprintf: %d %u %x %X %p %c %s %%, flags '-' and '0', width (also '*'), precision for %s,
 * lengths l and ll. Pure: also compiled on the host for its tests.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes at most size bytes, the final NUL included (size >= 1). Returns the number of characters written,
 * without the NUL; what does not fit is cut off. An unknown conversion is copied as it stands.
 */
size_t format_va(char *out, size_t size, const char *format, va_list arguments);
size_t format_text(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
