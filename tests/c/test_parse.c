// SPDX-License-Identifier: Apache-2.0
// sources: guests/vm0/parse.c
/* R3: words, numbers and names on the console's command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "vm0/parse.h"

static void test_words(void **state) {
  char text[] = "  boot\tguest1   2 ";
  struct words words;

  (void)state;
  assert_true(parse_words(text, &words));
  assert_int_equal(words.count, 3);
  assert_string_equal(words.word[0], "boot");
  assert_string_equal(words.word[1], "guest1");
  assert_string_equal(words.word[2], "2");
}

static void test_no_words(void **state) {
  char empty[] = "";
  char blanks[] = " \t ";
  struct words words;

  (void)state;
  assert_true(parse_words(empty, &words));
  assert_int_equal(words.count, 0);
  assert_true(parse_words(blanks, &words));
  assert_int_equal(words.count, 0);
}

static void test_too_many_words(void **state) {
  char text[4 * WORDS_MAX] = "";
  struct words words;

  (void)state;
  for (int i = 0; i < WORDS_MAX; i++) {
    strcat(text, "a ");
  }
  assert_true(parse_words(text, &words));
  for (char *c = text; c < text + 2 * WORDS_MAX; c++) {
    *c = *c == '\0' ? ' ' : *c;
  }
  strcat(text, "b");
  assert_false(parse_words(text, &words));
}

static void assert_number(const char *word, uint32_t expected) {
  uint32_t number = ~expected;

  assert_true(parse_number(word, &number));
  assert_int_equal(number, expected);
}

static void test_numbers(void **state) {
  static const char *const wrong[] = {"",           "0x",          "-1",          "+1", "1a", "0xg",
                                      "4294967296", "0x100000000", "99999999999", " 1", "1 ", "x10"};
  uint32_t number = 77;

  (void)state;
  assert_number("0", 0);
  assert_number("007", 7);
  assert_number("4294967295", UINT32_MAX);
  assert_number("0xffffFFFF", UINT32_MAX);
  assert_number("0X1a", 26);
  for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
    assert_false(parse_number(wrong[i], &number));
  }
  assert_int_equal(number, 77); /* a wrong word changes nothing */
}

static const char *name_of(const void *context, size_t index) {
  return ((const char *const *)context)[index];
}

static enum find_result find(const char *word, uint32_t *index) {
  static const char *const list[] = {"vm0", "guest1", "guest2", "guest", "7", "breaker"};
  const struct names names = {sizeof(list) / sizeof(list[0]), name_of, (const void *)list};

  return find_name(&names, word, index);
}

static void assert_finds(const char *word, uint32_t expected) {
  uint32_t index = UINT32_MAX;

  assert_int_equal(find(word, &index), FIND_ONE);
  assert_int_equal(index, expected);
}

static void test_names(void **state) {
  uint32_t index;

  (void)state;
  assert_finds("guest2", 2);
  assert_finds("guest", 3); /* the full name wins over being a beginning */
  assert_finds("v", 0);
  assert_finds("break", 5);
  assert_finds("0", 0);
  assert_finds("5", 5);
  assert_finds("7", 4); /* a name, although it looks like a number */
  assert_int_equal(find("gue", &index), FIND_SEVERAL);
  assert_int_equal(find("gest1", &index), FIND_NONE);
  assert_int_equal(find("guest11", &index), FIND_NONE);
  assert_int_equal(find("6", &index), FIND_NONE);
  assert_int_equal(find("", &index), FIND_NONE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_words),   cmocka_unit_test(test_no_words), cmocka_unit_test(test_too_many_words),
      cmocka_unit_test(test_numbers), cmocka_unit_test(test_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
