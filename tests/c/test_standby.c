// SPDX-License-Identifier: Apache-2.0
// like: test_recovery.c
// sources: tests/c/fakes/pair.c
/*
 * Standby: after random sequences of what guests and VM0 do, with duplications in between, the stand-in is in all its memory,
 * registers and devices what the model says of the primary's checkpoint (fakes/model_restore.c compares); half of the time the
 * primary fails in the middle of another duplication.
 *
 * Seen to fail with: a page left out when a checkpoint or an older generation changes it; pages filled into the frames of the
 * last complete duplicate; VFP registers or the position in the input left out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/armv7/mmu.h"
#include "core/fault.h"
#include "core/recovery.h"
#include "core/vm_memory.h"
#include "guest.h"
#include "guest_random.h"
#include "machine.h"
#include "model.h"
#include "pair.h"

#define SEQUENCES 200u
#define STEPS 120u

const struct standby_config config_standbys[1] = {
    {.primary = PRIMARY, .standby = STANDBY, .regions_all = true, .windows = 0xffff, .period = 0}};
const uint32_t config_standby_count = 1;

/* The primary has a new checkpoint, all other, and fails when a part of it has been duplicated. */
static void fail_in_the_middle(struct vm *primary) {
  uint32_t before = pair_seen(PRIMARY).duplications;
  for (unsigned page = 0; page < small_page_count; page++) {
    memset((void *)(uintptr_t)pte_frame(*vm_entry(primary->backup_pt, small_pages[page].va)), 0x5a, PAGE_SIZE);
  }
  standby_image_loaded(primary);
  standby_duplicate();
  assert_int_equal(pair_seen(PRIMARY).duplications, before);
  assert_true(standby_is_whole(primary));
}

static bool take_over_after(uint32_t seed) {
  pair_power_on(seed, &config_standbys[0]);
  for (unsigned step = 0; step < STEPS; step++) {
    random_step(step);
  }
  bool alive = pair_duplicate();
  if (alive) {
    struct vm *was = vm_numbered(PRIMARY);
    if (seed % 2u != 0) {
      fail_in_the_middle(was);
    }
    assert_int_equal(fault_request_take_over(was), VMI_OK);
    assert_ptr_equal(vm_numbered(STANDBY), was);
    assert_int_equal(was->run_state, VMI_VM_STOPPED);
    assert_int_equal(vm_numbered(PRIMARY)->run_state, VMI_VM_RUNNING);
    assert_int_equal(pair_seen(PRIMARY).take_overs, pair_seen(STANDBY).take_overs);
    assert_int_equal(fault_request_take_over(vm_numbered(PRIMARY)), VMI_ESTATE);
  }
  small_power_off();
  return alive;
}

static void test_stand_in_is_the_primary_at_its_checkpoint(void **state) {
  unsigned taken = 0;
  (void)state;
  for (uint32_t seed = 1; seed <= SEQUENCES; seed++) {
    taken += take_over_after(seed);
  }
  print_message("%u take-overs\n", taken);
  assert_true(taken > SEQUENCES / 2u);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stand_in_is_the_primary_at_its_checkpoint),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
