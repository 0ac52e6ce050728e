// SPDX-License-Identifier: Apache-2.0
// sources: guests/vm0/fault_text.c guests/vm0/describe.c guests/lib/format.c
/* D1: a fault record in words: every field is there, in at most 100 columns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vm0/describe.h"
#include "vm0/fault_text.h"

static const struct vmi_fault demo = {
    .sequence = 12,
    .time_lo = 1234567890,
    .time_hi = 1,
    .vm = 3,
    .task = 0,
    .kind = VMI_FAULT_DATA,
    .class = VMI_CLASS_DOMAIN,
    .pc = 0x00301234,
    .address = 0x00104560,
    .status = 0x819,
    .action = VMI_ACTION_TASK_ROLLBACK,
    .write = 1,
    .owner_window = 1,
    .reason = VMI_REASON_POLICY,
    .cost = 4711,
    .pages = 3,
    .old_table = 0x60500000,
    .new_table = 0x60501000,
};

static void test_demonstration(void **state) {
  char text[FAULT_TEXT_SIZE];

  (void)state;
  size_t length = fault_text(text, &demo, "guest3", "breaker", window_text(1));
  assert_int_equal(length, strlen(text));
  assert_string_equal(text, "#12 at 55.29535186 s: guest3, breaker\n"
                            "   data abort, domain fault, write access\n"
                            "   DFSR 0x00000819: domain fault, first level\n"
                            "   pc 0x00301234, address 0x00104560 in window 1 (guest kernel)\n"
                            "   task rolled back: first level of the policy\n"
                            "   3 pages exchanged, table 0x60500000 -> 0x60501000, cost 4711 timer ticks\n");
}

static void test_other_kinds(void **state) {
  struct vmi_fault fault = demo;
  char text[FAULT_TEXT_SIZE];

  (void)state;
  fault.task = VMI_TASK_KERNEL;
  fault.kind = VMI_FAULT_PREFETCH;
  fault.write = 0;
  fault.owner_window = 0xff;
  fault_text(text, &fault, "guest3", "kernel", window_text(0xff));
  assert_non_null(strstr(text, "guest3, guest kernel"));
  assert_non_null(strstr(text, "instruction fetch\n   IFSR 0x"));
  assert_non_null(strstr(text, "outside the guest"));
}

/* D7: which page of which checkpoint. */
static void test_damaged_backup(void **state) {
  struct vmi_fault fault = demo;
  char text[FAULT_TEXT_SIZE];

  (void)state;
  fault.kind = VMI_FAULT_CHECK;
  fault.class = VMI_CLASS_BACKUP;
  fault.status = VMI_BACKUP_TASK;
  fault.address = 0x00304000;
  fault.owner_window = 3;
  fault_text(text, &fault, "guest3", "breaker", window_text(3));
  assert_non_null(strstr(text, "failed check, checkpoint damaged, no access\n"));
  assert_non_null(strstr(text, "status 0x00000000: a page of the task's backup damaged\n"));
  assert_non_null(strstr(text, "address 0x00304000 in window 3 (task)\n"));
  fault.status = VMI_BACKUP_VM;
  fault_text(text, &fault, "guest3", "breaker", window_text(3));
  assert_non_null(strstr(text, ": a page of the VM's backup damaged\n"));
}

/* Records come from the VMM, but the console must not fall over whatever stands in them. */
static void test_any_record(void **state) {
  struct vmi_fault fault;
  char text[FAULT_TEXT_SIZE];
  static const char longest[] = "fifteen_letters";

  (void)state;
  srand(1);
  for (int i = 0; i < 20000; i++) {
    for (size_t b = 0; b < sizeof(fault); b++) {
      ((uint8_t *)&fault)[b] = (uint8_t)(rand() % 3 == 0 ? rand() : rand() % 10);
    }
    fault_text(text, &fault, longest, longest, longest);
    int lines = 0;
    for (char *start = text; *start != '\0'; lines++) {
      char *end = strchr(start, '\n');
      assert_non_null(end);
      assert_in_range(end - start, 1, FAULT_TEXT_WIDTH);
      start = end + 1;
    }
    assert_int_equal(lines, FAULT_TEXT_LINES);
  }
}

/* The widest words of every table together. */
static void test_widest(void **state) {
  struct vmi_fault fault = demo;
  char text[FAULT_TEXT_SIZE];

  (void)state;
  fault.cost = fault.pages = fault.old_table = fault.new_table = UINT32_MAX;
  for (fault.action = 0; fault.action <= VMI_ACTION_VM_STOP; fault.action++) {
    for (fault.reason = 0; fault.reason <= VMI_REASON_UNPROTECTED; fault.reason++) {
      fault_text(text, &fault, "vm", "task", "owner");
      for (char *row = strtok(text, "\n"); row != NULL; row = strtok(NULL, "\n")) {
        assert_in_range(strlen(row), 1, FAULT_TEXT_WIDTH);
      }
    }
  }
}

static void test_descriptions(void **state) {
  (void)state;
  assert_string_equal(describe_state(VMI_VM_PAUSED), "paused");
  assert_string_equal(describe_state(VMI_VM_STANDBY + 1), "unknown");
  assert_string_equal(describe_error(VMI_ENOMEM), "the guest does not fit into the memory of the VM");
  assert_string_equal(describe_error(VMI_EIMAGE - 1), "unknown");
  assert_string_equal(describe_error(1), "unknown");
  assert_string_equal(window_text(0), "null window");
  assert_string_equal(window_text(15), "task");
  assert_string_equal(window_text(16), "info page and channels");
  assert_string_equal(window_text(17), "outside the guest");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_demonstration),  cmocka_unit_test(test_other_kinds), cmocka_unit_test(test_any_record),
      cmocka_unit_test(test_damaged_backup), cmocka_unit_test(test_widest),      cmocka_unit_test(test_descriptions),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
