// SPDX-License-Identifier: Apache-2.0
// like: test_recovery.c
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/armv7/mmu.h"
#include "core/fault.h"
#include "core/recovery.h"
#include "core/standby.h"
#include "core/vm_memory.h"
#include "guest.h"
#include "guest_random.h"
#include "machine.h"
#include "model.h"

#define SEQUENCES 200u
#define STEPS 120u
#define PRIMARY 1u
#define STANDBY 2u

const struct standby_config config_standbys[1] = {
    {.primary = PRIMARY, .standby = STANDBY, .regions_all = true, .windows = 0xffff, .period = 0}};
const uint32_t config_standby_count = 1;

_Noreturn void test_failed(const char *format, ...) {
  va_list args;
  va_start(args, format);
  print_error("%s: ", random_place());
  vprint_error(format, args);
  va_end(args);
  fail();
  abort();
}

static enum save_policy mixed(void) {
  static const enum save_policy policies[] = {SAVE_UNDO, SAVE_EAGER, SAVE_FULL};
  return policies[random_below(3)];
}

static void pair_up(unsigned vm) {
  struct vm_config *config = (struct vm_config *)(uintptr_t)vms[vm].config;
  config->standby = &config_standbys[0];
}

static void power_on(uint32_t seed) {
  uint32_t addresses[64];
  random_start(seed);
  small_configure(mixed, 1, 1, seed % 3u, false, true); /* what checkpoints leave out is not duplicated */
  pair_up(PRIMARY);
  pair_up(STANDBY);
  vms[PRIMARY].health.steps[VMI_ACTION_COLD_RESTART].budget = VMI_POLICY_FOREVER; /* no take-over before its time */
  machine_reset(addresses, small_mapped(addresses));
  for (unsigned i = 0; i < SMALL_VMS; i++) {
    assert_int_equal(vm_create(&vms[i], vms[i].config->guest), VMI_OK);
    assert_int_equal(vm_start(&vms[i]), VMI_OK);
  }
  assert_int_equal(vms[STANDBY].run_state, VMI_VM_STANDBY);
  assert_int_equal(vm_start(&vms[STANDBY]), VMI_ESTATE);
  guest_boot();
}

static void power_off(void) {
  for (unsigned i = 0; i < SMALL_VMS; i++) {
    (void)vm_destroy(&vms[i]);
  }
}

static struct vmi_pair pair_of(unsigned vm) {
  struct vmi_pair pair;
  standby_describe(vm_numbered(vm), &pair);
  return pair;
}

/* A duplication that ends at this moment is one of the checkpoint as it is now. false: the pair is not alive. */
static bool duplicate_now(void) {
  uint32_t before = pair_of(PRIMARY).duplications;
  for (unsigned call = 0; call < 40 && pair_of(PRIMARY).duplications == before; call++) {
    standby_duplicate();
  }
  return pair_of(PRIMARY).duplications != before;
}

/* The primary has a new checkpoint, all other, and fails when a part of it has been duplicated. */
static void fail_in_the_middle(struct vm *primary) {
  uint32_t before = pair_of(PRIMARY).duplications;
  for (unsigned page = 0; page < small_page_count; page++) {
    memset((void *)(uintptr_t)pte_frame(*vm_entry(primary->backup_pt, small_pages[page].va)), 0x5a, PAGE_SIZE);
  }
  standby_image_loaded(primary);
  standby_duplicate();
  assert_int_equal(pair_of(PRIMARY).duplications, before);
  assert_true(standby_is_whole(primary));
}

static bool take_over_after(uint32_t seed) {
  power_on(seed);
  for (unsigned step = 0; step < STEPS; step++) {
    random_step(step);
  }
  bool alive = duplicate_now();
  if (alive) {
    struct vm *was = vm_numbered(PRIMARY);
    if (seed % 2u != 0) {
      fail_in_the_middle(was);
    }
    assert_int_equal(fault_request_take_over(was), VMI_OK);
    assert_ptr_equal(vm_numbered(STANDBY), was);
    assert_int_equal(was->run_state, VMI_VM_STOPPED);
    assert_int_equal(vm_numbered(PRIMARY)->run_state, VMI_VM_RUNNING);
    assert_int_equal(pair_of(PRIMARY).take_overs, pair_of(STANDBY).take_overs);
    assert_int_equal(fault_request_take_over(vm_numbered(PRIMARY)), VMI_ESTATE);
  }
  power_off();
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

/* Guests of other images: what they have in common, if anything, is persistent memory. */
static void test_what_is_duplicated(void **state) {
  static struct segment_config segments[16];
  (void)state;
  power_on(1);
  assert_true(duplicate_now());
  assert_int_equal(pair_of(PRIMARY).duplicate, VMI_DUPLICATE_ALL);
  assert_int_equal(pair_of(STANDBY).standby_for, PRIMARY);
  assert_int_equal(pair_of(0).standby, VMI_VM_NONE);
  struct guest_config other = *vms[STANDBY].guest;
  memcpy(segments, other.segments, other.segment_count * sizeof segments[0]);
  other.segments = segments;
  vms[STANDBY].guest = &other;
  assert_true(duplicate_now());
  assert_int_equal(pair_of(PRIMARY).duplicate, VMI_DUPLICATE_PERSISTENT);
  assert_int_equal(fault_request_take_over(&vms[0]), VMI_ESTATE);
  standby_forget(&vms[PRIMARY]);
  standby_forget(&vms[0]);
  assert_false(standby_is_whole(&vms[PRIMARY]));
  for (uint32_t i = 0; i < other.segment_count; i++) {
    segments[i].persistent += segments[i].persistent != 0;
  }
  assert_false(duplicate_now());
  assert_int_equal(pair_of(PRIMARY).duplicate, VMI_DUPLICATE_UNSUITABLE);
  for (uint32_t i = 0; i < other.segment_count; i++) {
    segments[i].va += segments[i].persistent != 0;
  }
  assert_false(duplicate_now());
  vms[STANDBY].guest = vms[PRIMARY].guest;
  power_off();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_stand_in_is_the_primary_at_its_checkpoint),
      cmocka_unit_test(test_what_is_duplicated),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
