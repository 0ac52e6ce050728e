// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/fault_log.c vmm-c/lib/crc32.c
/* The fault log: sequence numbers, overwriting, and records that are not complete yet (D4, D5: each step is logged). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/fault_log.h"

#define LIFE 7

static int fresh(void **state) {
  (void)state;
  memset(&fault_log, 0, sizeof(fault_log));
  fault_log_open(1, LIFE);
  return 0;
}

static void add(uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    struct vmi_fault *record = fault_log_begin();
    record->pc = fault_log.next_sequence * 4;
    fault_log_commit(record);
  }
}

static void expect(uint32_t sequence, int result) {
  struct vmi_fault record = {.pc = 0x55};
  assert_int_equal(fault_log_read(sequence, &record), result);
  if (result == VMI_OK) {
    assert_int_equal(record.sequence, sequence);
    assert_int_equal(record.pc, sequence * 4);
  } else {
    assert_int_equal(record.pc, 0x55);
  }
}

static void test_opened(void **state) {
  (void)state;
  assert_int_equal(fault_log.next_sequence, 1);
  assert_int_equal(fault_log.capacity, FAULT_LOG_CAPACITY);
  expect(0, VMI_ENOENT);
  expect(1, VMI_EAGAIN);
}

static void test_read_back(void **state) {
  (void)state;
  add(3);
  expect(0, VMI_ENOENT);
  expect(1, VMI_OK);
  expect(3, VMI_OK);
  expect(4, VMI_EAGAIN);
  expect(0xffffffff, VMI_EAGAIN);
}

static void test_ring_keeps_the_last(void **state) {
  (void)state;
  add(FAULT_LOG_CAPACITY);
  expect(1, VMI_OK);
  add(10);
  expect(10, VMI_ENOENT);
  expect(11, VMI_OK);
  expect(FAULT_LOG_CAPACITY + 10, VMI_OK);
  expect(FAULT_LOG_CAPACITY + 11, VMI_EAGAIN);
  assert_int_equal(fault_log.records[9].sequence, FAULT_LOG_CAPACITY + 10);
}

static void test_begun_record_is_invisible(void **state) {
  (void)state;
  add(FAULT_LOG_CAPACITY);
  struct vmi_fault *record = fault_log_begin();
  expect(FAULT_LOG_CAPACITY + 1, VMI_EAGAIN);
  assert_ptr_equal(fault_log_begin(), record);
  record->pc = fault_log.next_sequence * 4;
  fault_log_commit(record);
  expect(FAULT_LOG_CAPACITY + 1, VMI_OK);
  expect(1, VMI_ENOENT); /* its slot has another */
}

/* Off the way of a recovery, a few at a time; then each is sound, and marked with the life. */
static void test_records_are_sealed(void **state) {
  (void)state;
  add(9);
  assert_false(fault_log_is_sound(fault_log_slot(1)));
  unsigned calls = 0;
  while (fault_log_seal()) {
    calls++;
  }
  assert_in_range(calls, 2, 9);
  for (uint32_t sequence = 1; sequence <= 9; sequence++) {
    assert_true(fault_log_is_sound(fault_log_slot(sequence)));
    assert_int_equal(fault_log_slot(sequence)->life, LIFE);
  }
  assert_false(fault_log_is_sound(fault_log_slot(10)));
}

/* Whoever reads a record finds it sealed, in whatever order. */
static void test_reading_seals(void **state) {
  (void)state;
  add(30);
  struct vmi_fault record;
  assert_int_equal(fault_log_read(20, &record), VMI_OK);
  assert_int_equal(record.life, LIFE);
  assert_true(fault_log_is_sound(fault_log_slot(20)));
}

/* A flood overwrites records before they are sealed: those that are left are. */
static void test_flood(void **state) {
  (void)state;
  add(2);
  (void)fault_log_seal();
  add(3 * FAULT_LOG_CAPACITY);
  while (fault_log_seal()) {
  }
  for (uint32_t slot = 1; slot <= FAULT_LOG_CAPACITY; slot++) {
    assert_true(fault_log_is_sound(fault_log_slot(slot)));
  }
}

/* Each single flipped bit of a record is noticed; of a sequence number, that it lies in the wrong slot, too. */
static void test_every_flipped_bit_is_noticed(void **state) {
  (void)state;
  add(1);
  (void)fault_log_seal();
  struct vmi_fault *record = fault_log_slot(1);
  for (unsigned bit = 0; bit < 8 * sizeof(*record); bit++) {
    ((uint8_t *)record)[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_false(fault_log_is_sound(record));
    ((uint8_t *)record)[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  assert_true(fault_log_is_sound(record));
  *fault_log_slot(2) = *record;
  assert_false(fault_log_is_sound(fault_log_slot(2)));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_opened, fresh),
      cmocka_unit_test_setup(test_read_back, fresh),
      cmocka_unit_test_setup(test_ring_keeps_the_last, fresh),
      cmocka_unit_test_setup(test_begun_record_is_invisible, fresh),
      cmocka_unit_test_setup(test_records_are_sealed, fresh),
      cmocka_unit_test_setup(test_reading_seals, fresh),
      cmocka_unit_test_setup(test_flood, fresh),
      cmocka_unit_test_setup(test_every_flipped_bit_is_noticed, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
