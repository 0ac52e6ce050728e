// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/black_box.c vmm-c/core/fault_log.c vmm-c/lib/crc32.c
/* The black box over resets: garbage, another build, a damaged header, flipped and torn records, records not yet sealed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/black_box.h"
#include "core/config.h"
#include "core/fault_log.h"
#include "core/print.h"
#include "core/vmm_fault.h"
#include "lib/crc32.h"

const char config_build_id[] = "0123456789abcdef";
const char config_system_name[] = "a-system-whose-name-is-too-long-for-its-place";

static unsigned told;

void print(const char *fmt, ...) {
  (void)fmt;
  told++;
}

uint32_t vmm_fault_restarts(void) {
  return 5;
}

static struct vmi_black_box reset(void) {
  struct vmi_black_box info;
  black_box_open();
  black_box_describe(&info);
  return info;
}

static void add(uint32_t count, bool sealed) {
  for (uint32_t i = 0; i < count; i++) {
    struct vmi_fault *record = fault_log_begin();
    uint32_t sequence = fault_log.next_sequence;
    record->pc = sequence * 4;
    record->vm = 1;
    record->task = VMI_TASK_KERNEL;
    fault_log_commit(record);
    while (sealed && fault_log_seal()) {
    }
  }
}

/* The first life, on clean memory, with `count` sealed records. */
static void first_life(uint32_t count) {
  memset(&black_box, 0, sizeof black_box);
  memset(&fault_log, 0, sizeof fault_log);
  (void)reset();
  add(count, true);
}

static bool kept(uint32_t sequence) {
  struct vmi_fault record;
  return fault_log_read(sequence, &record) == VMI_OK && record.pc == sequence * 4;
}

static void test_clean_memory(void **state) {
  (void)state;
  told = 0;
  memset(&black_box, 0, sizeof black_box);
  memset(&fault_log, 0, sizeof fault_log);
  struct vmi_black_box info = reset();
  black_box_report();
  assert_int_equal(info.state, VMI_BLACK_BOX_EMPTY);
  assert_int_equal(info.life, 1);
  assert_int_equal(info.first, 1);
  assert_int_equal(told, 0);
}

static void test_garbage(void **state) {
  (void)state;
  for (unsigned seed = 1; seed <= 20; seed++) {
    uint32_t value = seed;
    uint32_t *words[] = {(uint32_t *)&black_box, (uint32_t *)&fault_log};
    size_t sizes[] = {sizeof black_box / 4, sizeof fault_log / 4};
    for (unsigned part = 0; part < 2; part++) {
      for (size_t i = 0; i < sizes[part]; i++) {
        value ^= value << 13;
        value ^= value >> 17;
        value ^= value << 5;
        words[part][i] = value;
      }
    }
    struct vmi_black_box info = reset();
    assert_int_equal(info.state, VMI_BLACK_BOX_EMPTY);
    assert_int_equal(info.life, 1);
    assert_int_equal(info.damaged, 0);
    add(1, true);
    assert_true(kept(1));
  }
}

static void test_records_survive(void **state) {
  (void)state;
  first_life(5);
  struct vmi_black_box info = reset();
  told = 0;
  black_box_report();
  assert_int_equal(told, 1);
  assert_int_equal(info.state, VMI_BLACK_BOX_SAME_BUILD);
  assert_int_equal(info.life, 2);
  assert_int_equal(info.first, 6);
  assert_string_equal(info.build, config_build_id);
  assert_memory_equal(info.system, config_system_name, VMI_SYSTEM_SIZE - 1);
  assert_int_equal(info.system[VMI_SYSTEM_SIZE - 1], 0);
  for (uint32_t sequence = 1; sequence <= 5; sequence++) {
    assert_true(kept(sequence));
  }
  add(1, true);
  assert_true(kept(6));
  assert_int_equal(fault_log_slot(5)->life, 1);
  assert_int_equal(fault_log_slot(6)->life, 2);
  assert_int_equal(reset().life, 3);
  assert_true(kept(1) && kept(6));
}

static void test_ring_over_lives(void **state) {
  (void)state;
  first_life(FAULT_LOG_CAPACITY - 3);
  (void)reset();
  add(10, true);
  struct vmi_black_box info = reset();
  assert_int_equal(info.first, FAULT_LOG_CAPACITY + 8);
  assert_int_equal(info.damaged, 0);
  assert_false(kept(7));
  assert_true(kept(8) && kept(FAULT_LOG_CAPACITY + 7));
}

/* Each single flipped bit of a record costs that record, and no other one. */
static void test_flipped_bit(void **state) {
  (void)state;
  for (unsigned bit = 0; bit < 8 * sizeof(struct vmi_fault); bit++) {
    first_life(5);
    ((uint8_t *)fault_log_slot(3))[bit / 8] ^= (uint8_t)(1u << bit % 8);
    struct vmi_black_box info = reset();
    assert_int_equal(info.state, VMI_BLACK_BOX_SAME_BUILD);
    assert_int_equal(info.damaged, 1);
    assert_int_equal(info.salvaged, 0);
    assert_int_equal(info.first, 6);
    assert_true(kept(1) && kept(2) && !kept(3) && kept(4) && kept(5));
  }
}

/* The reset comes while a record is written: its slot still has the number of the one that it replaces. */
static void test_torn_record(void **state) {
  (void)state;
  first_life(FAULT_LOG_CAPACITY + 4);
  struct vmi_fault *record = fault_log_begin();
  record->pc ^= 0x100;
  struct vmi_black_box info = reset();
  assert_int_equal(info.damaged, 1);
  assert_int_equal(info.salvaged, 0);
  assert_int_equal(info.first, FAULT_LOG_CAPACITY + 5);
  assert_false(kept(5));
  assert_true(kept(6) && kept(FAULT_LOG_CAPACITY + 4));
}

/* The reset comes right after faults that have no checksum yet. */
static void test_records_without_a_checksum(void **state) {
  (void)state;
  first_life(3);
  add(2, false);
  struct vmi_black_box info = reset();
  assert_int_equal(info.damaged, 0);
  assert_int_equal(info.salvaged, 2);
  assert_int_equal(info.first, 6);
  assert_true(kept(4) && kept(5));
  assert_int_equal(fault_log_slot(3)->salvaged, 0);
  assert_int_equal(fault_log_slot(5)->salvaged, 1);
  assert_int_equal(fault_log_slot(5)->life, 1);
  assert_int_equal(reset().salvaged, 0); /* from then on it has one */
  assert_true(kept(5));
  assert_int_equal(fault_log_slot(5)->salvaged, 1);
}

/* Without a checksum, values that do not exist are no record, nor is what the counter has not counted. */
static void test_implausible_records(void **state) {
  (void)state;
  for (unsigned which = 0; which < 6; which++) {
    first_life(3);
    add(1, false);
    struct vmi_fault *record = fault_log_slot(4);
    record->kind = which == 0 ? VMI_FAULT_REQUEST + 1 : record->kind;
    record->class = which == 1 ? VMI_CLASS_COUNT : record->class;
    record->action = which == 2 ? VMI_ACTION_VMM_RESTART + 1 : record->action;
    record->vm = which == 3 ? VM_MAX : record->vm;
    record->task = which == 4 ? VMI_TASK_MAX : record->task;
    fault_log.next_sequence -= which == 5;
    struct vmi_black_box info = reset();
    assert_int_equal(info.salvaged, 0);
    assert_int_equal(info.damaged, 1);
    assert_int_equal(info.first, 4);
  }
}

static void test_other_build(void **state) {
  (void)state;
  first_life(5);
  memcpy(black_box.build, "fedcba9876543210", 16);
  black_box.check = crc32(0, &black_box, offsetof(struct black_box, check));
  struct vmi_black_box info = reset();
  assert_int_equal(info.state, VMI_BLACK_BOX_OTHER_BUILD);
  assert_string_equal(info.build, "fedcba9876543210");
  assert_int_equal(info.life, 2);
  assert_true(kept(1) && kept(5));
  assert_int_equal(reset().state, VMI_BLACK_BOX_SAME_BUILD);
}

/* Each single flipped bit of the header is noticed; sound records are kept, and numbers go on behind them. */
static void test_damaged_header(void **state) {
  (void)state;
  for (unsigned bit = 0; bit < 8 * sizeof(struct black_box); bit++) {
    first_life(5);
    add(1, false);
    ((uint8_t *)&black_box)[bit / 8] ^= (uint8_t)(1u << bit % 8);
    struct vmi_black_box info = reset();
    assert_int_equal(info.state, VMI_BLACK_BOX_DAMAGED);
    assert_int_equal(info.build[0], 0);
    assert_int_equal(info.life, 2);
    assert_int_equal(info.first, 6);
    assert_true(kept(1) && kept(5));
    assert_int_equal(info.salvaged, 0); /* nobody says that the counter is right */
    assert_int_equal(info.damaged, 1);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_clean_memory),
      cmocka_unit_test(test_garbage),
      cmocka_unit_test(test_records_survive),
      cmocka_unit_test(test_ring_over_lives),
      cmocka_unit_test(test_flipped_bit),
      cmocka_unit_test(test_torn_record),
      cmocka_unit_test(test_records_without_a_checksum),
      cmocka_unit_test(test_implausible_records),
      cmocka_unit_test(test_other_build),
      cmocka_unit_test(test_damaged_header),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
