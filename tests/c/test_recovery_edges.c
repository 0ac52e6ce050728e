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
      cmocka_unit_test(test_first_write_elsewhere),
      cmocka_unit_test(test_nothing_to_complete),
      cmocka_unit_test(test_promotion),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
