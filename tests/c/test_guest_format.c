// SPDX-License-Identifier: Apache-2.0
// sources: guests/lib/format.c
/* The guests' print formats against the host's snprintf. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/format.h"

#define SAME(...)                                        \
  do {                                                   \
    char ours[128];                                      \
    char host[128];                                      \
    size_t length = format_text(ours, 128, __VA_ARGS__); \
    int expected = snprintf(host, 128, __VA_ARGS__);     \
    assert_string_equal(ours, host);                     \
    assert_int_equal(length, expected);                  \
  } while (0)

static void test_integers(void **state) {
  static const long long values[] = {0, 1, -1, 9, 10, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, 4294967296, 1234567};

  (void)state;
  for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
    SAME("%lld|%llu|%llx|%20lld|%-20lld|%020lld", values[i], (unsigned long long)values[i],
         (unsigned long long)values[i], values[i], values[i], values[i]);
    SAME("%d|%u|%x|%X|%8d|%-8d|%08x", (int)values[i], (unsigned)values[i], (unsigned)values[i], (unsigned)values[i],
         (int)values[i], (int)values[i], (unsigned)values[i]);
    SAME("%ld %lu %lx %3d %-3u|", (long)values[i], (unsigned long)values[i], (unsigned long)values[i], (int)values[i],
         (unsigned)values[i]);
  }
}

static void test_text(void **state) {
  (void)state;
  SAME("plain");
  SAME("%s|%8s|%-8s|%2s", "four", "four", "four", "four");
  SAME("%.2s|%5.1s|%-5.3s|", "four", "four", "four");
  SAME("%c%c%%", 'a', 'b');
  SAME("%*d|%*s", 6, 42, 6, "x");
  SAME("%p", (void *)(uintptr_t)0x1234);
}

static void test_cut_off(void **state) {
  char out[8];

  (void)state;
  memset(out, 'z', sizeof(out));
  assert_int_equal(format_text(out, 4, "%s", "longer"), 3);
  assert_string_equal(out, "lon");
  assert_int_equal(out[4], 'z');
  assert_int_equal(format_text(out, 1, "%d", 5), 0);
  assert_string_equal(out, "");
}

static void test_unknown_conversion(void **state) {
  static const char *volatile formats[] = {"%q|", "%", "%-5"};
  char out[16];

  (void)state;
  for (size_t i = 0; i < 3; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
    format_text(out, sizeof(out), formats[i]);
#pragma GCC diagnostic pop
    assert_string_equal(out, formats[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_integers),
      cmocka_unit_test(test_text),
      cmocka_unit_test(test_cut_off),
      cmocka_unit_test(test_unknown_conversion),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
