// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/recovery/promotion.c vmm-c/drivers/global_timer.c
// include: tests/c/fakes vmm-c/boards/vexpress-a9
/* D7: when a VM's checkpoint becomes an older generation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "board.h"
#include "core/recovery.h"
#include "drivers/mmio.h"
#include "recovery/generations.h"

#define VMS 3u
#define DISTANCE_MS 100u
#define PAUSE_MS 1000u
#define MS (BOARD_TIMER_CLOCK_HZ / 1000u)

struct vm vms[VM_MAX];
struct scheduler scheduler;
const uint32_t config_vm_count = VMS;
static struct vm_config config = {.generations = 1, .generation_ms = DISTANCE_MS, .generation_pause_ms = PAUSE_MS};
static uint64_t now;
static unsigned promoted[VMS];

void generation_promote(struct vm *vm) {
  promoted[vm - vms]++;
}

uint32_t mmio_read(uint32_t address) {
  return (uint32_t)(address == BOARD_GLOBAL_TIMER_BASE ? now : now >> 32);
}

void mmio_write(uint32_t address, uint32_t value) {
  (void)address;
  (void)value;
}

static int setup(void **state) {
  (void)state;
  config.generations = 1;
  now = 0x123456789abull;
  for (unsigned i = 0; i < VMS; i++) {
    vms[i] = (struct vm){.config = &config, .run_state = VMI_VM_RUNNING, .tracked = i != 0, .switches = 1};
    promoted[i] = 0;
  }
  vms[2].tracked = false;
  return 0;
}

static void pass(uint32_t ms) {
  now += (uint64_t)ms * MS;
}

static void test_distance(void **state) {
  (void)state;
  recovery_promote();
  assert_int_equal(promoted[1], 1);
  for (unsigned i = 0; i < 10; i++) {
    vms[1].switches++;
    pass(DISTANCE_MS / 10u);
    recovery_promote();
    assert_int_equal(promoted[1], i < 9 ? 1 : 2);
  }
}

/* An idle VM does not lose its older generations to copies of one and the same checkpoint. */
static void test_same_checkpoint_is_promoted_once(void **state) {
  (void)state;
  recovery_promote();
  pass(DISTANCE_MS);
  vms[1].switches++;
  vms[1].counters.checkpoints_more--; /* a switch without a checkpoint */
  recovery_promote();
  assert_int_equal(promoted[1], 1);
  vms[1].counters.checkpoints_more++;
  recovery_promote();
  assert_int_equal(promoted[1], 2);
}

/* A fault that comes back finds the generations from before it. */
static void test_pause_after_a_recovery(void **state) {
  (void)state;
  recovery_promote();
  vms[1].recoveries++;
  for (unsigned i = 0; i < PAUSE_MS / DISTANCE_MS; i++) {
    vms[1].switches++;
    recovery_promote();
    pass(DISTANCE_MS);
    assert_int_equal(promoted[1], 1);
  }
  recovery_promote();
  assert_int_equal(promoted[1], 2);
}

static void test_one_at_a_time(void **state) {
  (void)state;
  vms[0].tracked = vms[2].tracked = true;
  for (unsigned i = 1; i <= VMS; i++) {
    recovery_promote();
    assert_int_equal(promoted[0] + promoted[1] + promoted[2], i);
  }
  assert_true(promoted[0] == 1 && promoted[1] == 1 && promoted[2] == 1);
}

static void test_nothing_to_promote(void **state) {
  (void)state;
  vms[1].run_state = VMI_VM_EMPTY;
  recovery_promote();
  vms[1].run_state = VMI_VM_STANDBY; /* its checkpoint is a duplicate */
  recovery_promote();
  vms[1].run_state = VMI_VM_PAUSED;
  config.generations = 0;
  recovery_promote();
  vms[1].switches = 0; /* no checkpoint but the pristine one */
  config.generations = 1;
  recovery_promote();
  assert_int_equal(promoted[0] + promoted[1] + promoted[2], 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_distance, setup),
      cmocka_unit_test_setup(test_same_checkpoint_is_promoted_once, setup),
      cmocka_unit_test_setup(test_pause_after_a_recovery, setup),
      cmocka_unit_test_setup(test_one_at_a_time, setup),
      cmocka_unit_test_setup(test_nothing_to_promote, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
