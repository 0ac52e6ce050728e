// SPDX-License-Identifier: Apache-2.0
/* The guests' memory and string functions against the host's, at every alignment. Included under other names. */
#define _POSIX_C_SOURCE 200809L /* strnlen */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define memcpy guest_memcpy
#define memmove guest_memmove
#define memset guest_memset
#define memcmp guest_memcmp
#define strlen guest_strlen
#define strnlen guest_strnlen
#define strcmp guest_strcmp
#define strncmp guest_strncmp
#define strchr guest_strchr
#include "../../guests/lib/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr

#define SIZE 48

static unsigned char ours[SIZE];
static unsigned char host[SIZE];

static void fill(void) {
  for (size_t i = 0; i < SIZE; i++) {
    ours[i] = host[i] = (unsigned char)rand();
  }
}

static void test_copies(void **state) {
  (void)state;
  for (size_t to = 0; to < 16; to++) {
    for (size_t from = 0; from < 16; from++) {
      for (size_t size = 0; size <= 32; size++) {
        fill();
        assert_ptr_equal(guest_memmove(&ours[to], &ours[from], size), &ours[to]);
        memmove(&host[to], &host[from], size);
        assert_memory_equal(ours, host, SIZE);
      }
    }
  }
  for (size_t shift = 0; shift < 8; shift++) {
    fill();
    guest_memcpy(&ours[24], &ours[shift], 16);
    memcpy(&host[24], &host[shift], 16);
    assert_memory_equal(ours, host, SIZE);
  }
}

static void test_fill(void **state) {
  (void)state;
  for (size_t to = 0; to < 8; to++) {
    for (size_t size = 0; size < 32; size++) {
      fill();
      assert_ptr_equal(guest_memset(&ours[to], 0x1a5, size), &ours[to]);
      memset(&host[to], 0xa5, size);
      assert_memory_equal(ours, host, SIZE);
    }
  }
}

static int sign(int value) {
  return (value > 0) - (value < 0);
}

static void test_comparisons(void **state) {
  static const char *const words[] = {"", "a", "ab", "abc", "b", "\x80", "\x7f"};

  (void)state;
  for (size_t i = 0; i < 7; i++) {
    assert_int_equal(guest_strlen(words[i]), strlen(words[i]));
    assert_int_equal(guest_strnlen(words[i], 2), strnlen(words[i], 2));
    assert_ptr_equal(guest_strchr(words[i], 'b'), strchr(words[i], 'b'));
    assert_ptr_equal(guest_strchr(words[i], '\0'), strchr(words[i], '\0'));
    for (size_t j = 0; j < 7; j++) {
      assert_int_equal(sign(guest_strcmp(words[i], words[j])), sign(strcmp(words[i], words[j])));
      assert_int_equal(sign(guest_strncmp(words[i], words[j], 1)), sign(strncmp(words[i], words[j], 1)));
      assert_int_equal(sign(guest_memcmp(words[i], words[j], 1)), sign(memcmp(words[i], words[j], 1)));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_copies),
      cmocka_unit_test(test_fill),
      cmocka_unit_test(test_comparisons),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
