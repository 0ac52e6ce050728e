// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/lib/format.c
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/format.h"

/* Same text and length as the host's snprintf. */
#define SAME(fmt, ...)                                             \
  do {                                                             \
    char ours_[100];                                               \
    char theirs_[100];                                             \
    size_t n_ = format(ours_, sizeof(ours_), fmt, __VA_ARGS__);    \
    int m_ = snprintf(theirs_, sizeof(theirs_), fmt, __VA_ARGS__); \
    assert_string_equal(ours_, theirs_);                           \
    assert_int_equal(n_, m_);                                      \
  } while (0)

static void test_numbers(void **state) {
  (void)state;
  static const uint32_t values[] = {0, 1, 9, 10, 99, 12345, 0x7fffffff, 0x80000000, 0xffffffff};
  for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
    uint32_t v = values[i];
    SAME("%u|%5u|%-5u|%05u|%12u", v, v, v, v, v);
    SAME("%d|%5d|%-5d|%05d|%12d", (int)v, (int)v, (int)v, (int)v, (int)v);
    SAME("%x|%08x|%8x|%-8x|", v, v, v, v);
  }
}

static void test_64_bits(void **state) {
  (void)state;
  SAME("%llx %llx %016llx", 0ull, 0x123456789abcdef0ull, 0xfedcull);
  SAME("%llx %u", 0xffffffffffffffffull, 7u); /* the arguments after it are found */
}

static void test_text(void **state) {
  (void)state;
  SAME("%s|%8s|%-8s|%2s", "abc", "abc", "abc", "abc");
  SAME("%c%c|%3c|%-3c|", 'a', '\n', 'b', 'c');
  SAME("100%% %s", "");
  char text[20];
  format(text, sizeof(text), "%s", (const char *)NULL);
  assert_string_equal(text, "(null)");
}

static void test_pointer_has_all_digits(void **state) {
  (void)state;
  char ours[40];
  char expected[40];
  format(ours, sizeof(ours), "%p", (void *)0x1000);
  snprintf(expected, sizeof(expected), "0x%0*x", (int)(2 * sizeof(void *)), 0x1000);
  assert_string_equal(ours, expected);
}

static void test_unknown_conversions_are_copied(void **state) {
  (void)state;
  char text[40];
  format(text, sizeof(text), "%q %lu %l %");
  assert_string_equal(text, "%q %lu %l %");
}

static void test_never_writes_beyond_the_buffer(void **state) {
  (void)state;
  for (size_t n = 0; n <= 12; n++) {
    char text[20];
    memset(text, '#', sizeof(text));
    size_t used = format(text, n, "%s%u", "abcd", 123456u);
    assert_int_equal(used, n == 0 ? 0 : n - 1 < 10 ? n - 1 : 10);
    assert_memory_equal(text, "abcd123456", used);
    assert_int_equal(text[used], n == 0 ? '#' : '\0');
    assert_int_equal(text[used + 1], '#');
  }
}

static void test_huge_width_ends(void **state) {
  (void)state;
  char text[8];
  assert_int_equal(format(text, sizeof(text), "%9999u", 1u), 7);
  assert_string_equal(text, "       ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_64_bits),
      cmocka_unit_test(test_text),
      cmocka_unit_test(test_pointer_has_all_digits),
      cmocka_unit_test(test_unknown_conversions_are_copied),
      cmocka_unit_test(test_never_writes_beyond_the_buffer),
      cmocka_unit_test(test_huge_width_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
