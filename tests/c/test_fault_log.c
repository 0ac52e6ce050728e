// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/fault_log.c
/* The fault log: sequence numbers, overwriting, and records that are not complete yet (D4, D5: each step is logged). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/fault_log.h"

static int fresh(void **state) {
  (void)state;
  memset(&fault_log, 0, sizeof(fault_log));
  fault_log.next_sequence = 1;
  fault_log.capacity = FAULT_LOG_CAPACITY;
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

/* First of all tests: the state that the linker gives it. */
static void test_initial_state(void **state) {
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

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_initial_state),
      cmocka_unit_test_setup(test_read_back, fresh),
      cmocka_unit_test_setup(test_ring_keeps_the_last, fresh),
      cmocka_unit_test_setup(test_begun_record_is_invisible, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
