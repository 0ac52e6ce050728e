/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text formatting, the small part of printf that the VMM needs.
 *
 * %[-][0][width]conversion, where conversion is one of
 *   u d x   32-bit argument      llx  64-bit argument      s  text ("(null)" for a null pointer)
 *   c       character            p    pointer, 0x and all digits      %  the character itself
 * Anything else is copied as it stands. No conversion needs a 64-bit division.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* Writes at most n - 1 characters and a NUL (n = 0: nothing); returns the characters written, without the NUL. */
size_t format(char *buf, size_t n, const char *fmt, ...);
__attribute__((cold)) size_t format_list(char *buf, size_t n, const char *fmt, va_list args);

#endif
