// SPDX-License-Identifier: Apache-2.0
// like: test_recovery.c
// sources: tests/c/fakes/pair.c
/*
 * Standby: what is duplicated and what is not, when, and when nobody takes over.
 *
 * Seen to fail with: pages of a former image left in the set of those to be copied; another build started from the memory of
 * the former one; a page without frames filled; windows or the period ignored; a standby's own pages noted.
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
#include "core/sched.h"
#include "core/vm_memory.h"
#include "guest.h"
#include "guest_random.h"
#include "machine.h"
#include "model.h"
#include "pair.h"

#define SEQUENCES 30u
#define STEPS 60u
#define PERIOD 10u
#define SOME_WINDOWS (1u << WINDOW_SHARED | 1u << (WINDOW_TASK + 1u))

/* A test has one of them. */
enum { EVERYTHING, PERSISTENT, SOME, RARE };
const struct standby_config config_standbys[] = {
    [EVERYTHING] = {.primary = PRIMARY, .standby = STANDBY, .regions_all = true, .windows = 0xffff},
    [PERSISTENT] = {.primary = PRIMARY, .standby = STANDBY, .windows = 0xffff},
    [SOME] = {.primary = PRIMARY, .standby = STANDBY, .windows = SOME_WINDOWS},
    [RARE] = {.primary = PRIMARY, .standby = STANDBY, .regions_all = true, .windows = 0xffff, .period = PERIOD},
};
const uint32_t config_standby_count = 1;

static struct vm *primary(void) {
  return vm_numbered(PRIMARY);
}

static struct vm *standby(void) {
  return vm_numbered(STANDBY);
}

/* Another build of the guest; each test changes in it what it is about. */
static struct segment_config segments[16];
static struct guest_config other;

static void take_another_build(void) {
  other = *primary()->guest;
  memcpy(segments, other.segments, other.segment_count * sizeof segments[0]);
  other.segments = segments;
}

static struct segment_config *segment_of(uint32_t va) {
  for (uint32_t i = 0; i < other.segment_count; i++) {
    if (segments[i].va == va) {
      return &segments[i];
    }
  }
  test_failed("no segment at %08x", va);
}

static void expect_unsuitable(void) {
  standby_image_loaded(standby());
  assert_false(pair_duplicate());
  assert_int_equal(pair_seen(PRIMARY).duplicate, VMI_DUPLICATE_UNSUITABLE);
  assert_int_equal(pair_seen(STANDBY).duplicate, VMI_DUPLICATE_UNSUITABLE);
  assert_false(standby_is_whole(primary()));
}

/* Any guest can be loaded from the console: what two builds have in common, if anything, is persistent memory. */
static void test_what_two_builds_agree_on(void **state) {
  (void)state;
  pair_power_on(1, &config_standbys[EVERYTHING]);
  assert_true(pair_duplicate());
  assert_int_equal(pair_seen(PRIMARY).duplicate, VMI_DUPLICATE_ALL);
  take_another_build();
  standby()->guest = &other;
  struct segment_config *persistent = segment_of(VMI_SHARED_BASE + PAGE_SIZE);
  const struct segment_config right = *persistent;
  assert_int_not_equal(right.persistent, 0);
  assert_true(pair_duplicate());
  assert_int_equal(pair_seen(PRIMARY).duplicate, VMI_DUPLICATE_PERSISTENT);
  persistent->persistent++;
  expect_unsuitable();
  persistent->persistent = 0;
  expect_unsuitable();
  *persistent = right;
  persistent->mem_size += PAGE_SIZE;
  expect_unsuitable();
  *persistent = right;
  persistent->va += PAGE_SIZE;
  expect_unsuitable();
  *persistent = right;
  persistent->policy = SAVE_NONE; /* there are no frames to fill */
  expect_unsuitable();
  *persistent = right;
  assert_true(pair_duplicate());
  standby()->guest = primary()->guest;
  small_power_off();
}

/* Only the windows of the pair count, and there must be something in them. */
static void test_windows_that_builds_agree_on(void **state) {
  (void)state;
  pair_power_on(1, &config_standbys[SOME]);
  take_another_build();
  standby()->guest = &other;
  segment_of(VMI_TASK_BASE + PAGE_SIZE)->persistent++; /* of no pair */
  assert_true(pair_duplicate());
  segment_of(VMI_TASK_BASE + VMI_WINDOW_SIZE + PAGE_SIZE)->persistent++;
  expect_unsuitable();
  struct guest_config little = *primary()->guest;
  for (little.segment_count = 0; little.segments[little.segment_count].persistent == 0;) {
    little.segment_count++;
  }
  const struct guest_config *whole = primary()->guest;
  primary()->guest = &little; /* ends before its persistent memory */
  expect_unsuitable();
  primary()->guest = whole;
  standby()->guest = whole;
  small_power_off();
}

/* The stand-in as the model of the primary has it at its next rollback: pristine, but for what is duplicated. */
static void expect_new_start(uint32_t windows) {
  struct model *to = model_of(primary());
  const struct model *from = model_of(standby());
  static struct model_image image;
  image = from->vm;
  for (unsigned page = 0; page < small_page_count; page++) {
    uint32_t window = small_pages[page].va / VMI_WINDOW_SIZE;
    if (window == WINDOW_VMM || (small_pages[page].persistent && (windows >> window & 1u) != 0)) {
      memcpy(image.page[page], to->vm.page[page], sizeof image.page[page]);
    }
  }
  to->vm = image;
  to->state = from->state;
  to->running = from->running;
  to->saved_owner = from->saved_owner;
  to->vcpu = from->vcpu;
  to->tasks = from->tasks;
  to->raised = 0;
  to->older_count = 0;
}

static void take_over_at_the_reset_vector(uint32_t windows) {
  struct vm *stand_in = standby();
  uint32_t starts = primary()->starts;
  assert_int_equal(pair_seen(STANDBY).duplicate, VMI_DUPLICATE_PERSISTENT);
  expect_new_start(windows);
  assert_int_equal(fault_request_take_over(primary()), VMI_OK);
  assert_ptr_equal(primary(), stand_in);
  assert_int_equal(stand_in->run_state, VMI_VM_RUNNING);
  assert_int_equal(thread_frame(stand_in->kernel)->pc, VMI_KERNEL_BASE + VMI_VECTOR_RESET);
  assert_int_equal(stand_in->info->start, VMI_START_STANDBY);
  assert_int_equal(stand_in->info->starts, starts + 1u);
  assert_int_equal(stand_in->starts, starts + 1u);
}

/* false: guests and VM0 have done with the pair what makes a take-over impossible. */
static bool new_start(uint32_t seed, unsigned pair, uint32_t windows) {
  pair_power_on(seed, &config_standbys[pair]);
  for (unsigned step = 0; step < STEPS; step++) {
    random_step(step);
  }
  bool alive = pair_duplicate();
  if (alive) {
    take_over_at_the_reset_vector(windows);
  }
  small_power_off();
  return alive;
}

/* Persistent memory in the windows of the pair and channels are the primary's, all else is pristine: the model compares. */
static void test_new_start_with_persistent_memory(void **state) {
  unsigned taken = 0;
  (void)state;
  for (uint32_t seed = 1; seed <= SEQUENCES; seed++) {
    taken += new_start(seed, PERSISTENT, 0xffff);
    taken += new_start(seed, SOME, SOME_WINDOWS);
  }
  assert_true(taken > SEQUENCES);
}

static void load(struct vm *vm, const struct guest_config *guest) {
  assert_int_equal(vm_destroy(vm), VMI_OK);
  assert_int_equal(vm_create(vm, guest), VMI_OK);
  assert_int_equal(vm_start(vm), VMI_OK);
}

/* Of all that the standby had of the former build, or was getting, the stand-in of the other one sees nothing. */
static void new_build(bool complete) {
  pair_power_on(1, &config_standbys[EVERYTHING]);
  guest_start_tasks();
  guest_dirty_own_pages(1);
  guest_tick();
  standby_duplicate();
  assert_int_equal(pair_duplicate(), true);
  if (!complete) {
    standby_image_loaded(primary());
    standby_duplicate();
    assert_true(standby()->dirty.count > standby()->dirty.permanent);
  }
  take_another_build();
  load(primary(), &other);
  struct segment_config *own = (struct segment_config *)(uintptr_t)standby()->guest->segments;
  own->crc++; /* a stand-in that cannot be loaded is none */
  assert_false(pair_duplicate());
  assert_false(standby_is_whole(primary()));
  own->crc--;
  assert_true(pair_duplicate());
  take_over_at_the_reset_vector(0xffff);
  small_power_off();
}

static void test_new_build_of_the_primary(void **state) {
  (void)state;
  new_build(false);
  new_build(true);
}

/* Pages that were still to be copied do not exist any more. */
static void test_guest_with_less_memory(void **state) {
  (void)state;
  pair_power_on(1, &config_standbys[EVERYTHING]);
  standby_duplicate();
  load(primary(), config_guests[0]);
  load(standby(), config_guests[0]);
  assert_true(pair_duplicate());
  small_power_off();
}

/* Nothing is due before the period has passed since the last one began, however often it is asked for. */
static void test_period(void **state) {
  (void)state;
  pair_power_on(1, &config_standbys[RARE]);
  assert_true(pair_duplicate());
  assert_false(pair_duplicate());
  while ((int32_t)(sched_now % PERIOD) != 0 || pair_duplicate()) {
    guest_tick(); /* housekeeping asks as well */
  }
  uint32_t before = pair_seen(PRIMARY).duplications;
  for (unsigned tick = 0; tick < 10u * PERIOD; tick++) {
    guest_tick();
  }
  assert_int_equal(pair_seen(PRIMARY).duplications, before + 10u);
  small_power_off();
}

static void stopped_standby(void) {
  assert_int_equal(vm_stop(standby()), VMI_OK);
  assert_false(standby_is_whole(primary()));
  assert_false(pair_duplicate());
  assert_int_equal(vm_start(standby()), VMI_OK);
  assert_int_equal(standby()->run_state, VMI_VM_STANDBY);
  assert_false(standby_is_whole(primary())); /* its image was loaded anew */
  assert_int_equal(pair_seen(STANDBY).duplicate, VMI_DUPLICATE_NONE);
  assert_true(pair_duplicate());
}

/* A primary that pauses, or was stopped, can be taken over from; one without an image cannot. */
static void test_states_of_the_pair(void **state) {
  (void)state;
  pair_power_on(1, &config_standbys[EVERYTHING]);
  assert_int_equal(vm_pause(primary()), VMI_OK);
  assert_true(pair_duplicate());
  stopped_standby();
  assert_int_equal(vm_stop(primary()), VMI_OK);
  assert_false(pair_duplicate());
  assert_true(standby_is_whole(primary()));
  assert_int_equal(vm_destroy(primary()), VMI_OK);
  assert_false(standby_is_whole(primary()));
  assert_int_equal(fault_request_take_over(primary()), VMI_ESTATE);
  assert_int_equal(vm_create(primary(), primary()->guest), VMI_OK);
  assert_false(pair_duplicate());
  assert_false(standby_is_whole(primary()));
  assert_int_equal(vm_start(primary()), VMI_OK); /* what the standby has is of a former life */
  assert_false(standby_is_whole(primary()));
  assert_true(pair_duplicate());
  assert_true(standby_is_whole(primary()));
  small_power_off();
}

/* Refused: nothing has changed. */
static void refuse(struct vm *vm) {
  struct vmi_fault record = {0};
  uint8_t run_state = vm->run_state;
  unsigned number = vm->index;
  assert_false(standby_is_whole(vm));
  assert_false(standby_take_over(vm, &record));
  assert_ptr_equal(vm_numbered(number), vm);
  assert_int_equal(vm->run_state, run_state);
}

/* A VM of no pair, a standby, and a primary without a complete duplicate: nobody takes over. */
static void test_nobody_takes_over(void **state) {
  (void)state;
  pair_power_on(1, &config_standbys[EVERYTHING]);
  refuse(primary());
  assert_int_equal(pair_seen(PRIMARY).duplicate_age, 0);
  assert_true(pair_duplicate());
  refuse(standby());
  refuse(&vms[0]);
  struct vmi_pair seen = pair_seen(0);
  assert_true(seen.standby == VMI_VM_NONE && seen.standby_for == VMI_VM_NONE && seen.duplications == 0);
  seen = pair_seen(PRIMARY);
  assert_true(seen.standby == STANDBY && seen.standby_for == VMI_VM_NONE);
  seen = pair_seen(STANDBY);
  assert_true(seen.standby == VMI_VM_NONE && seen.standby_for == PRIMARY);
  standby_forget(&vms[0]);
  standby_forget(standby());
  assert_true(standby_is_whole(primary()));
  standby_forget(primary());
  refuse(primary());
  small_power_off();
}

/* D7: the last complete duplicate is damaged while the next one is on its way in other frames. */
static void test_damaged_duplicate(void **state) {
  (void)state;
  for (uint32_t seed = 0; seed < 2; seed++) { /* without checksums, and with them */
    pair_power_on(seed, &config_standbys[EVERYTHING]);
    assert_int_equal(standby()->sums != NULL, seed);
    assert_true(pair_duplicate());
    standby_image_loaded(primary());
    standby_duplicate();
    assert_true(standby()->dirty.count > standby()->dirty.permanent && standby_is_whole(primary()));
    for (uint32_t page = 0; page < small_page_count; page++) {
      ((uint8_t *)(uintptr_t)pte_frame(*vm_entry(standby()->backup_pt, small_pages[page].va)))[PAGE_SIZE - 1u] ^= 1;
    }
    assert_int_equal(standby_is_whole(primary()), seed == 0);
    assert_true(seed == 0 || fault_request_take_over(primary()) == VMI_ESTATE);
    small_power_off();
  }
}

static uint32_t pages_copied(void) {
  uint32_t before = pair_seen(PRIMARY).duplicated_pages;
  assert_true(pair_duplicate());
  return pair_seen(PRIMARY).duplicated_pages - before;
}

/* All of the first image, then what checkpoints of the primary, not of the standby, change; all after a fault of the VMM. */
static void test_pages_that_are_copied(void **state) {
  (void)state;
  pair_power_on(1, &config_standbys[EVERYTHING]);
  uint32_t before = pair_seen(PRIMARY).duplicated_pages;
  standby_duplicate();
  assert_true(standby()->dirty.count > standby()->dirty.permanent);
  standby_note(standby());
  assert_true(pair_duplicate());
  assert_int_equal(pair_seen(PRIMARY).duplicated_pages - before, small_page_count);
  assert_int_equal(pages_copied(), 0);
  standby_note(primary());
  assert_int_equal(pages_copied(), primary()->dirty.count);
  assert_true(recovery_complete(primary()));
  assert_int_equal(pages_copied(), small_page_count);
  small_power_off();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_two_builds_agree_on),
      cmocka_unit_test(test_windows_that_builds_agree_on),
      cmocka_unit_test(test_new_start_with_persistent_memory),
      cmocka_unit_test(test_new_build_of_the_primary),
      cmocka_unit_test(test_guest_with_less_memory),
      cmocka_unit_test(test_period),
      cmocka_unit_test(test_states_of_the_pair),
      cmocka_unit_test(test_nobody_takes_over),
      cmocka_unit_test(test_pages_that_are_copied),
      cmocka_unit_test(test_damaged_duplicate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
