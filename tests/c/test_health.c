// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/health.c
/* D5: action by class and thread, budgets within a window, and escalation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/health.h"

#define POLICY VMI_REASON_POLICY
#define BUDGET VMI_REASON_BUDGET
#define SHARED VMI_REASON_SHARED_STATE
#define TASK 2u
#define KERNEL VMI_TASK_MAX
#define WINDOW_MS 100u
#define WINDOW (WINDOW_MS * 100000u >> HEALTH_TIME_SHIFT)

static const struct policy_override overrides[] = {
    {TASK, VMI_CLASS_HANG, VMI_ACTION_TASK_RESTART},
    {TASK, VMI_CLASS_DOMAIN, VMI_ACTION_LOG},
};

static struct policy_config config = {.overrides = overrides, .override_count = 2};
static struct health health;
static bool deliberate;

static int setup(void **state) {
  static const struct policy_step steps[VMI_ACTION_COUNT] = {
      [VMI_ACTION_IGNORE] = {VMI_POLICY_FOREVER, WINDOW_MS, VMI_ACTION_TASK_ROLLBACK},
      [VMI_ACTION_LOG] = {4, WINDOW_MS, VMI_ACTION_TASK_ROLLBACK},
      [VMI_ACTION_TASK_ROLLBACK] = {3, WINDOW_MS, VMI_ACTION_VM_ROLLBACK},
      [VMI_ACTION_TASK_RESTART] = {1, WINDOW_MS, VMI_ACTION_COLD_RESTART},
      [VMI_ACTION_VM_ROLLBACK] = {2, WINDOW_MS, VMI_ACTION_OLDER_GENERATION},
      [VMI_ACTION_OLDER_GENERATION] = {0, WINDOW_MS, VMI_ACTION_COLD_RESTART},
      [VMI_ACTION_COLD_RESTART] = {1, WINDOW_MS, VMI_ACTION_VM_STOP},
      [VMI_ACTION_VM_STOP] = {VMI_POLICY_FOREVER, WINDOW_MS, VMI_ACTION_SYSTEM_HALT},
      [VMI_ACTION_SYSTEM_HALT] = {VMI_POLICY_FOREVER, WINDOW_MS, VMI_ACTION_SYSTEM_HALT},
  };
  (void)state;
  memset(config.on, VMI_ACTION_TASK_ROLLBACK, sizeof config.on);
  config.on[VMI_CLASS_PANIC] = VMI_ACTION_COLD_RESTART;
  config.on[VMI_CLASS_PARITY] = VMI_ACTION_SYSTEM_HALT;
  memcpy(config.steps, steps, sizeof steps);
  memset(&health, 0xa5, sizeof health);
  health_init(&health, &config, deliberate);
  return 0;
}

static enum vmi_action decide(unsigned thread, unsigned class, enum vmi_action mildest, uint32_t now, uint8_t *reason) {
  return health_agrees(&health, thread, class, mildest, now)
             ? mildest
             : health_choose(&health, thread, class, mildest, now, reason);
}

static void expect(enum vmi_action mildest, uint32_t now, enum vmi_action action, uint8_t reason) {
  uint8_t got = POLICY;
  assert_int_equal(decide(TASK, VMI_CLASS_TRANSLATION, mildest, now, &got), action);
  assert_int_equal(got, reason);
}

static void test_escalates_through_all_levels(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    expect(VMI_ACTION_TASK_ROLLBACK, 10, VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
  for (int i = 0; i < 2; i++) {
    expect(VMI_ACTION_TASK_ROLLBACK, 11, VMI_ACTION_VM_ROLLBACK, BUDGET);
  }
  expect(VMI_ACTION_TASK_ROLLBACK, 12, VMI_ACTION_COLD_RESTART, BUDGET);
  for (int i = 0; i < 5; i++) {
    expect(VMI_ACTION_TASK_ROLLBACK, 13, VMI_ACTION_VM_STOP, BUDGET);
  }
}

static void test_starts_with_the_mildest_that_is_possible(void **state) {
  (void)state;
  expect(VMI_ACTION_VM_ROLLBACK, 0, VMI_ACTION_VM_ROLLBACK, POLICY);
  expect(VMI_ACTION_VM_ROLLBACK, 0, VMI_ACTION_VM_ROLLBACK, POLICY);
  expect(VMI_ACTION_VM_ROLLBACK, 0, VMI_ACTION_COLD_RESTART, BUDGET);
  expect(VMI_ACTION_VM_ROLLBACK, 0, VMI_ACTION_VM_STOP, BUDGET);
  /* The milder level was not used: its budget is still there. */
  expect(VMI_ACTION_TASK_ROLLBACK, 0, VMI_ACTION_TASK_ROLLBACK, POLICY);
}

static void test_class_and_thread_choose_the_action(void **state) {
  (void)state;
  static const struct {
    unsigned thread;
    unsigned class;
    enum vmi_action mildest;
    enum vmi_action action;
    uint8_t reason;
  } cases[] = {
      {KERNEL, VMI_CLASS_PANIC, VMI_ACTION_VM_ROLLBACK, VMI_ACTION_COLD_RESTART, POLICY},
      {TASK, VMI_CLASS_PARITY, VMI_ACTION_TASK_ROLLBACK, VMI_ACTION_SYSTEM_HALT, POLICY},
      {TASK, VMI_CLASS_HANG, VMI_ACTION_TASK_ROLLBACK, VMI_ACTION_TASK_RESTART, POLICY},
      {TASK, VMI_CLASS_HANG, VMI_ACTION_TASK_ROLLBACK, VMI_ACTION_VM_STOP, BUDGET}, /* cold restarts: used above */
      {TASK + 1, VMI_CLASS_HANG, VMI_ACTION_TASK_ROLLBACK, VMI_ACTION_TASK_ROLLBACK, SHARED},
      {KERNEL, VMI_CLASS_HANG, VMI_ACTION_VM_ROLLBACK, VMI_ACTION_VM_ROLLBACK, SHARED},
      {TASK, VMI_CLASS_DOMAIN, VMI_ACTION_VM_ROLLBACK, VMI_ACTION_LOG, POLICY},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t reason = SHARED;
    assert_int_equal(decide(cases[i].thread, cases[i].class, cases[i].mildest, 5, &reason), cases[i].action);
    assert_int_equal(reason, cases[i].reason);
  }
}

/* A task that is entangled with its kernel is never treated alone, however a chain gets there (D6). */
static void test_no_step_is_milder_than_possible(void **state) {
  uint8_t reason = SHARED;
  (void)state;
  assert_int_equal(decide(TASK, VMI_CLASS_HANG, VMI_ACTION_VM_ROLLBACK, 1, &reason), VMI_ACTION_VM_ROLLBACK);
  assert_int_equal(reason, SHARED);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(decide(TASK, VMI_CLASS_DOMAIN, VMI_ACTION_VM_ROLLBACK, 1, &reason), VMI_ACTION_LOG);
  }
  assert_int_equal(decide(TASK, VMI_CLASS_DOMAIN, VMI_ACTION_VM_ROLLBACK, 1, &reason), VMI_ACTION_VM_ROLLBACK);
  assert_int_equal(reason, BUDGET);
}

static void test_window_over_restarts_the_counter(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    expect(VMI_ACTION_TASK_ROLLBACK, 500, VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
  expect(VMI_ACTION_TASK_ROLLBACK, 500 + WINDOW - 1, VMI_ACTION_VM_ROLLBACK, BUDGET);
  for (int i = 0; i < 3; i++) {
    expect(VMI_ACTION_TASK_ROLLBACK, 500 + WINDOW, VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
  expect(VMI_ACTION_TASK_ROLLBACK, 500 + 2 * WINDOW - 2, VMI_ACTION_VM_ROLLBACK, BUDGET); /* the second of its window */
  expect(VMI_ACTION_TASK_ROLLBACK, 500 + 2 * WINDOW - 1, VMI_ACTION_VM_ROLLBACK, BUDGET); /* the first of a new one */
}

/* A window starts with the first use of its action, not when the VM was created. */
static void test_window_starts_with_the_first_fault(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    expect(VMI_ACTION_TASK_ROLLBACK, WINDOW - 1, VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
  expect(VMI_ACTION_TASK_ROLLBACK, WINDOW + 50, VMI_ACTION_VM_ROLLBACK, BUDGET);
}

static void test_window_across_the_wrap_of_the_time(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++) {
    expect(VMI_ACTION_TASK_ROLLBACK, 0xfffffff0u, VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
  expect(VMI_ACTION_TASK_ROLLBACK, 20, VMI_ACTION_VM_ROLLBACK, BUDGET);
  expect(VMI_ACTION_TASK_ROLLBACK, WINDOW - 16, VMI_ACTION_TASK_ROLLBACK, POLICY);
}

static void test_faults_slower_than_the_window_never_escalate(void **state) {
  (void)state;
  for (uint32_t i = 0; i < 1000; i++) {
    expect(VMI_ACTION_TASK_ROLLBACK, i * (WINDOW / 3 + 1), VMI_ACTION_TASK_ROLLBACK, POLICY);
  }
}

static void test_a_reset_renews_budgets_but_keeps_the_policy(void **state) {
  const struct vmi_policy_change change = {
      .what = VMI_POLICY_ON, .task = VMI_TASK_ALL, .class = VMI_CLASS_TRANSLATION, .action = VMI_ACTION_TASK_RESTART};
  (void)state;
  assert_int_equal(health_change(&health, &change), VMI_OK);
  expect(VMI_ACTION_TASK_ROLLBACK, 0, VMI_ACTION_TASK_RESTART, POLICY);
  health_reset(&health);
  expect(VMI_ACTION_TASK_ROLLBACK, 0, VMI_ACTION_TASK_RESTART, POLICY);
  expect(VMI_ACTION_TASK_ROLLBACK, 0, VMI_ACTION_COLD_RESTART, BUDGET);
}

/* From every action, with any budgets, a chain ends: the search never goes back. */
static void test_every_chain_ends(void **state) {
  (void)state;
  for (unsigned budgets = 0; budgets < 1u << VMI_ACTION_VM_STOP; budgets++) {
    setup(NULL);
    for (unsigned action = 0; action < VMI_ACTION_VM_STOP; action++) {
      const struct vmi_policy_change change = {VMI_POLICY_STEP,
                                               0,
                                               0,
                                               action,
                                               budgets >> action & 1u,
                                               1,
                                               action + 1u + budgets % (VMI_ACTION_VM_STOP - action)};
      assert_int_equal(health_change(&health, &change), VMI_OK);
    }
    for (enum vmi_action action = 0; action < VMI_ACTION_COUNT; action++) {
      uint8_t reason = POLICY;
      enum vmi_action got = health_escalate(&health, action, VMI_ACTION_VM_ROLLBACK, 7, &reason);
      assert_true(got >= action);
      assert_true(got <= VMI_ACTION_LOG || got >= VMI_ACTION_VM_ROLLBACK);
    }
  }
}

static void test_changes_are_checked(void **state) {
  (void)state;
  static const struct vmi_policy_change refused[] = {
      {.what = 2, .action = 2},
      {.what = VMI_POLICY_ON, .class = VMI_CLASS_COUNT},
      {.what = VMI_POLICY_ON, .action = VMI_ACTION_COUNT},
      {.what = VMI_POLICY_ON, .task = VMI_TASK_MAX},
      {.what = VMI_POLICY_STEP, .action = VMI_ACTION_COUNT, .next = VMI_ACTION_COUNT, .window_ms = 1},
      {.what = VMI_POLICY_STEP, .action = VMI_ACTION_VM_STOP, .next = VMI_ACTION_SYSTEM_HALT, .window_ms = 1},
      {.what = VMI_POLICY_STEP, .action = VMI_ACTION_VM_ROLLBACK, .next = VMI_ACTION_VM_ROLLBACK, .window_ms = 1},
      {.what = VMI_POLICY_STEP, .action = VMI_ACTION_VM_ROLLBACK, .next = VMI_ACTION_LOG, .window_ms = 1},
      {.what = VMI_POLICY_STEP, .action = VMI_ACTION_LOG, .next = VMI_ACTION_COUNT, .window_ms = 1},
      {.what = VMI_POLICY_STEP, .action = VMI_ACTION_LOG, .next = VMI_ACTION_VM_STOP, .window_ms = 0},
      {.what = VMI_POLICY_STEP,
       .action = VMI_ACTION_LOG,
       .next = VMI_ACTION_VM_STOP,
       .window_ms = HEALTH_WINDOW_MAX_MS + 1u},
  };
  struct health before = health;
  for (unsigned i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    assert_int_equal(health_change(&health, &refused[i]), VMI_EINVAL);
    assert_memory_equal(&health, &before, sizeof health);
  }
}

static void test_reading_shows_what_was_changed(void **state) {
  const struct vmi_policy_change on = {
      .what = VMI_POLICY_ON, .task = VMI_TASK_KERNEL, .class = VMI_CLASS_STACK, .action = VMI_ACTION_SUSPEND};
  const struct vmi_policy_change step = {.what = VMI_POLICY_STEP,
                                         .action = VMI_ACTION_VM_ROLLBACK,
                                         .budget = 7,
                                         .window_ms = HEALTH_WINDOW_MAX_MS,
                                         .next = VMI_ACTION_SUSPEND};
  struct vmi_policy policy;
  (void)state;
  expect(VMI_ACTION_VM_ROLLBACK, 0, VMI_ACTION_VM_ROLLBACK, POLICY);
  assert_int_equal(health_change(&health, &on), VMI_OK);
  assert_int_equal(health_change(&health, &step), VMI_OK);
  health_read(&health, &policy);
  assert_int_equal(policy.on[KERNEL][VMI_CLASS_STACK], VMI_ACTION_SUSPEND);
  assert_int_equal(policy.on[0][VMI_CLASS_STACK], VMI_ACTION_TASK_ROLLBACK);
  assert_int_equal(policy.step[VMI_ACTION_VM_ROLLBACK].budget, 7);
  assert_int_equal(policy.step[VMI_ACTION_VM_ROLLBACK].window_ms, HEALTH_WINDOW_MAX_MS);
  assert_int_equal(policy.step[VMI_ACTION_VM_ROLLBACK].used, 1);
  assert_int_equal(policy.step[VMI_ACTION_VM_ROLLBACK].next, VMI_ACTION_SUSPEND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_escalates_through_all_levels, setup),
      cmocka_unit_test_setup(test_starts_with_the_mildest_that_is_possible, setup),
      cmocka_unit_test_setup(test_class_and_thread_choose_the_action, setup),
      cmocka_unit_test_setup(test_no_step_is_milder_than_possible, setup),
      cmocka_unit_test_setup(test_window_over_restarts_the_counter, setup),
      cmocka_unit_test_setup(test_window_starts_with_the_first_fault, setup),
      cmocka_unit_test_setup(test_window_across_the_wrap_of_the_time, setup),
      cmocka_unit_test_setup(test_faults_slower_than_the_window_never_escalate, setup),
      cmocka_unit_test_setup(test_a_reset_renews_budgets_but_keeps_the_policy, setup),
      cmocka_unit_test_setup(test_every_chain_ends, setup),
      cmocka_unit_test_setup(test_changes_are_checked, setup),
      cmocka_unit_test_setup(test_reading_shows_what_was_changed, setup),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  deliberate = true; /* the same decisions, without the short way */
  return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
