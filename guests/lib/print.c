/* SPDX-License-Identifier: Apache-2.0 */
#include "print.h"

#include <stdarg.h>
#include <stdint.h>

#include "format.h"
#include "vmi_calls.h"

#define WRITE_MAX 256u /* bytes per VMI_CONSOLE_WRITE */

void print_bytes(const char *text, size_t length) {
  while (length != 0) {
    uint32_t chunk = length < WRITE_MAX ? (uint32_t)length : WRITE_MAX;
    int32_t taken = vmi_console_write(text, chunk);

    if (taken < 0) {
      return; /* text outside the caller's memory: no way to say so, and no reason to try again */
    }
    if (taken == 0) {
      (void)vmi_yield(); /* the console is full */
    }
    text += taken;
    length -= (size_t)taken;
  }
}

void print(const char *format, ...) {
  char line[PRINT_MAX + 1];
  va_list arguments;
  size_t length;

  va_start(arguments, format);
  length = format_va(line, sizeof(line), format, arguments);
  va_end(arguments);
  print_bytes(line, length);
}
