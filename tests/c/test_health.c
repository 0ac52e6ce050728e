// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/health.c
/* D5: retry budgets within a window, then escalation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/health.h"

static const struct recovery_config config = {
    .window = 100,
    .budget = {[VMI_ACTION_TASK_ROLLBACK] = 3, [VMI_ACTION_VM_ROLLBACK] = 2, [VMI_ACTION_COLD_RESTART] = 1}};

#define POLICY VMI_REASON_POLICY
#define BUDGET VMI_REASON_BUDGET

static void expect(struct health *h, enum vmi_action first, uint32_t now, enum vmi_action action, uint8_t reason) {
  uint8_t got = POLICY;
  assert_int_equal(health_decide(h, &config, first, now, &got), action);
  assert_int_equal(got, reason);
}

static void test_escalates_through_all_levels(void **state) {
  (void)state;
  struct health h = {0};
  for (int i = 0; i < 3; i++) {
    expect(&h, VMI_ACTION_TASK_ROLLBACK, 10, VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
  for (int i = 0; i < 2; i++) {
    expect(&h, VMI_ACTION_TASK_ROLLBACK, 11, VMI_ACTION_VM_ROLLBACK, BUDGET);
  }
  expect(&h, VMI_ACTION_TASK_ROLLBACK, 12, VMI_ACTION_COLD_RESTART, BUDGET);
  for (int i = 0; i < 5; i++) {
    expect(&h, VMI_ACTION_TASK_ROLLBACK, 13, VMI_ACTION_VM_STOP, BUDGET);
  }
}

static void test_starts_where_the_policy_says(void **state) {
  (void)state;
  struct health h = {0};
  expect(&h, VMI_ACTION_VM_ROLLBACK, 0, VMI_ACTION_VM_ROLLBACK, POLICY);
  expect(&h, VMI_ACTION_VM_ROLLBACK, 0, VMI_ACTION_VM_ROLLBACK, POLICY);
  expect(&h, VMI_ACTION_VM_ROLLBACK, 0, VMI_ACTION_COLD_RESTART, BUDGET);
  expect(&h, VMI_ACTION_VM_ROLLBACK, 0, VMI_ACTION_VM_STOP, BUDGET);
  /* The lower level was not used: its budget is still there. */
  expect(&h, VMI_ACTION_TASK_ROLLBACK, 0, VMI_ACTION_TASK_ROLLBACK, POLICY);
}

static void test_a_reason_given_by_the_caller_stays(void **state) {
  (void)state;
  struct health h = {0};
  uint8_t reason = VMI_REASON_SHARED_STATE;
  assert_int_equal(health_decide(&h, &config, VMI_ACTION_VM_ROLLBACK, 0, &reason), VMI_ACTION_VM_ROLLBACK);
  assert_int_equal(reason, VMI_REASON_SHARED_STATE);
}

static void test_window_over_restarts_the_counters(void **state) {
  (void)state;
  struct health h = {0};
  for (int i = 0; i < 3; i++) {
    expect(&h, VMI_ACTION_TASK_ROLLBACK, 500, VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
  expect(&h, VMI_ACTION_TASK_ROLLBACK, 599, VMI_ACTION_VM_ROLLBACK, BUDGET);
  for (int i = 0; i < 3; i++) {
    expect(&h, VMI_ACTION_TASK_ROLLBACK, 600, VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
  expect(&h, VMI_ACTION_TASK_ROLLBACK, 699, VMI_ACTION_VM_ROLLBACK, BUDGET);
}

/* The window starts with the first fault, not when the VM was created. */
static void test_window_starts_with_the_first_fault(void **state) {
  (void)state;
  struct health h = {0};
  for (int i = 0; i < 3; i++) {
    expect(&h, VMI_ACTION_TASK_ROLLBACK, 99, VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
  expect(&h, VMI_ACTION_TASK_ROLLBACK, 150, VMI_ACTION_VM_ROLLBACK, BUDGET);
}

static void test_window_across_the_wrap_of_the_tick(void **state) {
  (void)state;
  struct health h = {0};
  for (int i = 0; i < 3; i++) {
    expect(&h, VMI_ACTION_TASK_ROLLBACK, 0xfffffff0u, VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
  expect(&h, VMI_ACTION_TASK_ROLLBACK, 20, VMI_ACTION_VM_ROLLBACK, BUDGET);
  expect(&h, VMI_ACTION_TASK_ROLLBACK, 84, VMI_ACTION_TASK_ROLLBACK, POLICY);
}

static void test_faults_slower_than_the_window_never_escalate(void **state) {
  (void)state;
  struct health h = {0};
  for (uint32_t i = 0; i < 1000; i++) {
    expect(&h, VMI_ACTION_TASK_ROLLBACK, i * 40, VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
}

static void test_none_and_stop_pass_through(void **state) {
  (void)state;
  struct health h = {0};
  expect(&h, VMI_ACTION_LOG, 0, VMI_ACTION_LOG, POLICY);
  expect(&h, VMI_ACTION_VM_STOP, 0, VMI_ACTION_VM_STOP, POLICY);
  expect(&h, VMI_ACTION_COLD_RESTART, 0, VMI_ACTION_COLD_RESTART, POLICY);
  expect(&h, VMI_ACTION_COLD_RESTART, 0, VMI_ACTION_VM_STOP, BUDGET);
}

static void test_a_budget_of_zero_skips_the_level(void **state) {
  (void)state;
  const struct recovery_config none = {.window = 100, .budget = {[VMI_ACTION_COLD_RESTART] = 1}};
  struct health h = {0};
  uint8_t reason = POLICY;
  assert_int_equal(health_decide(&h, &none, VMI_ACTION_TASK_ROLLBACK, 0, &reason), VMI_ACTION_COLD_RESTART);
  assert_int_equal(health_decide(&h, &none, VMI_ACTION_TASK_ROLLBACK, 0, &reason), VMI_ACTION_VM_STOP);
  assert_int_equal(reason, BUDGET);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_escalates_through_all_levels),
      cmocka_unit_test(test_starts_where_the_policy_says),
      cmocka_unit_test(test_a_reason_given_by_the_caller_stays),
      cmocka_unit_test(test_window_over_restarts_the_counters),
      cmocka_unit_test(test_window_starts_with_the_first_fault),
      cmocka_unit_test(test_window_across_the_wrap_of_the_tick),
      cmocka_unit_test(test_faults_slower_than_the_window_never_escalate),
      cmocka_unit_test(test_none_and_stop_pass_through),
      cmocka_unit_test(test_a_budget_of_zero_skips_the_level),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
