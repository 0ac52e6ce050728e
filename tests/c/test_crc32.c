// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/lib/crc32.c
/* D8: the CRC-32 that text is checked with is the one that the harness computes, and finds every flipped bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/crc32.h"

#define SIZE 4096u

static uint32_t bitwise(const uint8_t *data, size_t n) {
  uint32_t crc = 0xffffffffu;
  for (size_t i = 0; i < n; i++) {
    crc ^= data[i];
    for (unsigned bit = 0; bit < 8; bit++) {
      crc = crc >> 1 ^ ((crc & 1u) != 0 ? 0xedb88320u : 0u);
    }
  }
  return ~crc;
}

static void fill(uint8_t *data) {
  for (unsigned i = 0; i < SIZE; i++) {
    data[i] = (uint8_t)(i * i + 3u * i);
  }
}

/* D8 The check value of the standard, and the definition bit by bit. */
static void test_known_values(void **state) {
  uint8_t data[SIZE];
  (void)state;
  fill(data);
  assert_int_equal(crc32(0, "123456789", 9), 0xcbf43926u);
  assert_int_equal(crc32(0, data, 0), 0);
  assert_int_equal(crc32(0, data, SIZE), bitwise(data, SIZE));
}

/* D8 A page is checked in steps of any length. */
static void test_in_parts(void **state) {
  uint8_t data[SIZE];
  (void)state;
  fill(data);
  for (uint32_t part = 1; part < SIZE; part += 97) {
    assert_int_equal(crc32(crc32(0, data, part), data + part, SIZE - part), crc32(0, data, SIZE));
  }
}

/* D8 Each single flipped bit of a page changes it. */
static void test_flipped_bits(void **state) {
  uint8_t data[SIZE];
  (void)state;
  fill(data);
  uint32_t right = crc32(0, data, SIZE);
  for (uint32_t bit = 0; bit < SIZE * 8u; bit += 11) {
    data[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
    assert_int_not_equal(crc32(0, data, SIZE), right);
    data[bit / 8u] ^= (uint8_t)(1u << bit % 8u);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_values),
      cmocka_unit_test(test_in_parts),
      cmocka_unit_test(test_flipped_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
