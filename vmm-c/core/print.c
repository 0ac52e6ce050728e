// SPDX-License-Identifier: Apache-2.0
#include "core/print.h"

#include <stdarg.h>
#include <stddef.h>

#include "core/virq.h"
#include "drivers/pl011.h"
#include "lib/format.h"

#define PRINT_UART 0u
#define PRINT_MAX 256
#define MANAGEMENT_VM 0u

/* Whose unfinished line the cursor stands in. */
static enum { LINE_NONE, LINE_GUEST, LINE_VMM } unfinished;
static bool cut; /* lines of the VMM stand in the middle of one of the management VM */

static void put(char c, bool guest) {
  uart_put(PRINT_UART, c);
  if (c == '\n' || c == '\r') {
    unfinished = LINE_NONE;
  } else {
    unfinished = guest ? LINE_GUEST : LINE_VMM;
  }
}

void print_guest(char c) {
  cut = false;
  put(c, true);
}

bool print_guest_is_cut(void) {
  return cut;
}

void print_own(char c) {
  put(c, false);
}

/* The management VM is told that its line was cut, so that it can show it again if it says nothing else. */
void print_fresh_line(void) {
  if (unfinished == LINE_GUEST) {
    cut = true;
    virq_raise(MANAGEMENT_VM, VMI_IRQ_CONSOLE);
  }
  if (unfinished != LINE_NONE) {
    put('\n', false);
  }
}

void print_alone(void) {
  if (unfinished != LINE_NONE) {
    put('\n', false);
  }
}

void print(const char *fmt, ...) {
  char text[PRINT_MAX];
  va_list args;
  va_start(args, fmt);
  size_t n = format_list(text, sizeof(text), fmt, args);
  va_end(args);
  if (unfinished == LINE_GUEST) {
    print_fresh_line();
  }
  for (size_t i = 0; i < n; i++) {
    print_own(text[i]);
  }
}
