// SPDX-License-Identifier: Apache-2.0
// like: test_recovery.c
/* The recovery engine asked for what it must refuse, and when a checkpoint becomes an older generation (D7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/recovery.h"
#include "guest.h"
#include "guest_random.h"
#include "machine.h"
#include "small_vms.h"

bool __real_recovery_first_write(struct vm *vm, uint32_t va);
bool __real_recovery_older_generation(struct vm *vm, struct vmi_fault *record);
void __real_recovery_promote(void);

static void power_on(unsigned generations) {
  random_start(1);
  small_configure(small_undo, 1, 1, generations, false, false);
  small_power_on();
}

/* A write that no checkpoint covers is the guest's fault. */
static void test_first_write_elsewhere(void **state) {
  static const uint32_t others[] = {0, VMI_KERNEL_BASE, VMI_TASK_BASE + 12 * VMI_WINDOW_SIZE, 0x01100000, 0xfffffffc};
  (void)state;
  power_on(0);
  for (unsigned i = 0; i < sizeof others / sizeof others[0]; i++) {
    assert_false(__real_recovery_first_write(&vms[1], others[i]));
  }
  assert_false(__real_recovery_first_write(&vms[0], small_pages[0].va));
}

/* Invariant 3: while an image is being loaded there is no checkpoint to go on from, nor ever without protection. */
static void test_nothing_to_complete(void **state) {
  (void)state;
  power_on(0);
  assert_true(recovery_complete(&vms[1]));
  vms[1].loading = true;
  assert_false(recovery_complete(&vms[1]));
  assert_false(recovery_complete(&vms[0]));
  assert_false(recovery_complete(&vms[2]));
}

static enum vmi_action level_of(unsigned thread, uint8_t *reason) {
  return recovery_level(&vms[1], &vms[1].threads[thread], reason); /* the model agrees */
}

static void expect_level(unsigned thread, enum vmi_action action, enum vmi_reason reason) {
  uint8_t got;
  assert_int_equal(level_of(thread, &got), action);
  assert_int_equal(got, reason);
}

/* D6: a task is not rolled back alone while the kernel is at work for it, nor when it may have changed what is not its own. */
static void test_level_of_a_task(void **state) {
  (void)state;
  power_on(0);
  guest_start_tasks();
  expect_level(0, VMI_ACTION_TASK_ROLLBACK, VMI_REASON_POLICY);
  expect_level(KERNEL_THREAD, VMI_ACTION_VM_ROLLBACK, VMI_REASON_KERNEL_FAULT);
  guest_svc(SMALL_PURE_CALL, 0, 0, 0, 0);
  assert_true(vm_in_kernel(&vms[1]));
  expect_level(0, VMI_ACTION_VM_ROLLBACK, VMI_REASON_SHARED_STATE);
  guest_svc(VMI_TASK_SWITCH, 1, 0, 0, 0);
  guest_svc(SMALL_PURE_CALL, 0, 0, 0, 0);
  expect_level(0, VMI_ACTION_TASK_ROLLBACK, VMI_REASON_POLICY); /* its call is over as far as the kernel is concerned */
  expect_level(1, VMI_ACTION_VM_ROLLBACK, VMI_REASON_SHARED_STATE);
  guest_svc(VMI_TASK_SWITCH, 0, 0, 0, 0);
  guest_svc(SMALL_CALL, 0, 0, 0, 0);
  guest_svc(VMI_TASK_RETURN, 0, 0, 0, 0);
  expect_level(0, VMI_ACTION_VM_ROLLBACK, VMI_REASON_SHARED_STATE);
  small_power_off();
}

/* A task that was interrupted did not ask for what its kernel does. */
static void test_level_of_an_interrupted_task(void **state) {
  (void)state;
  power_on(0);
  guest_start_tasks();
  guest_svc(SMALL_PURE_CALL, 0, 0, 0, 0);
  assert_true(guest_store(VMI_VCPU_PAGE + VMI_VCPU_IRQ_ENABLED, VMI_IRQ_CONSOLE));
  guest_svc(VMI_TASK_SWITCH, 0, 0, 0, 0);
  cpu.guest.r[12] = 0;
  guest_typed(1, 'x');
  assert_true(vm_in_kernel(&vms[1]) && vms[1].owner == &vms[1].threads[0]);
  expect_level(0, VMI_ACTION_TASK_ROLLBACK, VMI_REASON_POLICY);
  small_power_off();
}

/* D7: there is none, or nothing of which there could be one. */
static void test_no_older_generation(void **state) {
  struct vmi_fault record = {0};
  (void)state;
  power_on(1);
  vms[0].generations.count = 1; /* even then */
  assert_false(__real_recovery_older_generation(&vms[0], &record));
  vms[0].generations.count = 0;
  assert_false(recovery_older_generation(&vms[1], &record));
  small_power_off();
}

static uint32_t promoted(const struct vm *vm) {
  __real_recovery_promote();
  return vm->generations.count;
}

/* D7: not the same checkpoint twice, not within the pause after a recovery, and the oldest one goes. */
static void test_promotion(void **state) {
  struct vm *vm = &vms[1];
  (void)state;
  power_on(2);
  struct vm_config config = *vm->config;
  vm->config = &config;
  config.generation_ms = 0;
  config.generation_pause_ms = 0;
  vm->switches++;
  uint32_t first = promoted(vm);
  assert_int_equal(promoted(vm), first);
  vm->switches++;
  assert_int_equal(promoted(vm), first + 1u);
  vm->switches++;
  assert_int_equal(promoted(vm), 2);
  config.generation_pause_ms = 1000;
  uint32_t since = vm->generations.checkpoints;
  vm->recoveries++;
  vm->switches++;
  assert_int_equal(promoted(vm), 2);
  assert_int_equal(vm->generations.checkpoints, since);
  (void)vm_destroy(vm);
  __real_recovery_promote();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_first_write_elsewhere), cmocka_unit_test(test_nothing_to_complete),
      cmocka_unit_test(test_level_of_a_task),       cmocka_unit_test(test_level_of_an_interrupted_task),
      cmocka_unit_test(test_no_older_generation),   cmocka_unit_test(test_promotion),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
