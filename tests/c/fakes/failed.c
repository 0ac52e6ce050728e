/* SPDX-License-Identifier: Apache-2.0 */
/* How a test ends that finds something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "guest_random.h"
#include "machine.h"

_Noreturn void test_failed(const char *format, ...) {
  char text[256];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  print_error("%s: %s\n", random_place(), text);
  fail();
  abort();
}
