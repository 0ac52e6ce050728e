// SPDX-License-Identifier: Apache-2.0
// like: test_recovery.c
// flags: -O2 -fno-sanitize=all
/*
 * Every state that the bookkeeping of pages can come to. A page of a task, a shared one and one of the kernel are written,
 * saved, rolled back, promoted and fetched from an older checkpoint in every order, until no new state turns up: a state is
 * which frame serves which purpose, what is armed, and which lists the page is in. In each of them everything is compared with
 * the model (R19 R20 R28..R30, D6, D7, invariant 3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/recovery.h"
#include "guest.h"
#include "guest_random.h"
#include "machine.h"
#include "model.h"
#include "model_restore.h"
#include "recovery/generations.h"
#include "recovery/pages.h"

#define PAGES 3u
#define TASK 0u
#define LENGTH_MAX 24u
#define STATES_MAX 60000u
#define FRAMES 8u
#define KEPT_FRAME 0x1c00u /* in a page list of an older checkpoint: number of the frame */

const uint32_t config_housekeeping_ticks = 0; /* only what is done here */

/* What is done from the start to come to a state, and the state. */
struct way {
  uint8_t length;
  uint8_t steps[LENGTH_MAX];
};

struct page_state {
  uint8_t active, backup, task_backup; /* frames */
  uint8_t kept[GENERATIONS_MAX];
  uint8_t lists;
  bool armed;
};

struct bookkeeping {
  struct page_state page[PAGES];
  uint32_t tasks_dirty, tasks_written;
  uint8_t thread, owner, saved_thread, saved_owner, generations;
  bool impure;
};

static struct way ways[STATES_MAX];
static uint64_t known[2u * STATES_MAX]; /* hashes, 0: none */
static unsigned way_count;
static uint32_t watched[PAGES]; /* addresses */
static unsigned page_count;

static struct vm *const vm = &vms[1];

static uint32_t id_of(uint32_t va) {
  return page_id(va / SECTION_SIZE, va / PAGE_SIZE % L2_ENTRIES);
}

static bool listed(const struct page_list *list, uint32_t id) {
  for (uint32_t i = 0; i < list->count; i++) {
    if (list->pages[i] == id) {
      return true;
    }
  }
  return false;
}

/* Frames are equal but for what they serve, so they are numbered in the order of that. */
struct numbering {
  uint8_t of[FRAMES];
  uint8_t next;
};

static uint8_t number(struct numbering *known_as, uint32_t frame) {
  if (known_as->of[frame] == 0) {
    known_as->of[frame] = ++known_as->next;
  }
  return known_as->of[frame];
}

static uint8_t number_in(struct numbering *known_as, uint32_t record, const uint32_t *entry) {
  return entry == NULL ? 0 : number(known_as, frame_number(record, pte_frame(*entry)));
}

/* The frame that an older checkpoint keeps for a page; 0: none, it is the same in a younger one. */
static uint8_t kept_by(unsigned generation, uint32_t id, struct numbering *known_as) {
  const struct page_list *list = &generation_at(vm, generation)->pages;
  for (uint32_t i = 0; i < list->count; i++) {
    if ((list->pages[i] & ~KEPT_FRAME) == id) {
      return number(known_as, (list->pages[i] & KEPT_FRAME) / 0x400u);
    }
  }
  return 0;
}

static struct page_state state_of(uint32_t va) {
  uint32_t id = id_of(va);
  struct page_ref page = page_of(vm, id);
  struct numbering numbers = {0};
  struct page_state state;
  memset(&state, 0, sizeof state);
  state.backup = number_in(&numbers, page.record, page.backup);
  state.task_backup = number_in(&numbers, page.record, page.task_backup);
  state.active = number_in(&numbers, page.record, page.active);
  state.armed = pte_arm(*page.active) == *page.active;
  state.lists =
      (uint8_t)(listed(&vm->dirty, id) | listed(&vm->task_dirty[TASK], id) << 1 | listed(&vm->shared_open, id) << 2);
  for (unsigned n = 0; n < vm->generations.count; n++) {
    state.kept[n] = kept_by(n, id, &numbers);
  }
  return state;
}

static struct bookkeeping bookkeeping(void) {
  struct bookkeeping state;
  memset(&state, 0, sizeof state);
  for (unsigned i = 0; i < PAGES; i++) {
    state.page[i] = state_of(watched[i]);
  }
  state.tasks_dirty = vm->tasks_dirty;
  state.tasks_written = vm->tasks_written;
  state.thread = (uint8_t)thread_number(vm, vm->thread);
  state.owner = (uint8_t)thread_number(vm, vm->owner);
  state.saved_thread = (uint8_t)thread_number(vm, vm->saved.thread);
  state.saved_owner = (uint8_t)thread_number(vm, vm->saved.owner);
  state.impure = vm->threads[TASK].impure != 0;
  state.generations = (uint8_t)vm->generations.count;
  return state;
}

static uint64_t hash_of(const struct bookkeeping *state) {
  const uint8_t *bytes = (const uint8_t *)state;
  uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
  for (size_t i = 0; i < sizeof *state; i++) {
    hash = (hash ^ bytes[i]) * 0x100000001b3u;
  }
  return hash != 0 ? hash : 1u;
}

/* true: it was not known. */
static bool remember(uint64_t hash) {
  size_t at = hash % (sizeof known / sizeof known[0]);
  for (; known[at] != 0; at = (at + 1u) % (sizeof known / sizeof known[0])) {
    if (known[at] == hash) {
      return false;
    }
  }
  known[at] = hash;
  return true;
}

static void return_to_vm(void) {
  while (current_vm != vm) {
    guest_tick();
  }
}

static void fetch_older(void) {
  struct vmi_fault record = {0};
  (void)recovery_older_generation(vm, &record);
  guest_resume();
}

/* Tasks never repeat a value, nor does the kernel. */
static void of_task(unsigned step) {
  static uint32_t value;
  switch (step) {
    case 0:
      (void)guest_store(watched[vm_current_task(vm) == TASK ? 0 : 1], ++value);
      break;
    case 1:
      (void)guest_store(watched[1], ++value);
      break;
    case 2:
      guest_svc(SMALL_CALL, 0, 0, 0, 0);
      break;
    case 3:
      guest_svc(SMALL_PURE_CALL, 0, 0, 0, 0);
      break;
    default:
      guest_undefined_instruction();
      break;
  }
}

static void of_kernel(unsigned step) {
  static uint32_t value = 0x80000000u;
  switch (step) {
    case 0:
    case 1:
    case 2:
      (void)guest_store(watched[step < page_count ? step : 0], ++value);
      break;
    case 3:
    case 4:
      guest_svc(VMI_TASK_SWITCH, step - 3u, 0, 0, 0);
      break;
    default:
      guest_undefined_instruction();
      break;
  }
}

#define STEPS 9u

/* Steps 0 to 5 are what the thread does that runs. */
static void do_step(unsigned step) {
  if (step == 6) {
    guest_tick();
  } else if (step == 7) {
    if (vm->config->generations != 0) {
      model_promote(vm);
    }
  } else if (step == 8) {
    fetch_older();
  } else if (vm_in_kernel(vm)) {
    of_kernel(step);
  } else {
    of_task(step);
  }
  return_to_vm();
}

static void check(void) {
  model_check_tables(vm);
  for (unsigned i = 0; i < PAGES; i++) {
    unsigned page = (unsigned)small_page(watched[i]);
    model_compare_page(vm, page);
    model_compare_checkpoint(vm, page);
    model_compare_generations(vm, page);
  }
}

static void begin(void) {
  random_start(1);
  small_power_on();
  guest_start_tasks();
}

/* From the start along a way and one step on. */
static void try(const struct way *from, unsigned step) {
  begin();
  for (unsigned i = 0; i < from->length; i++) {
    do_step(from->steps[i]);
  }
  if (step < STEPS) {
    do_step(step);
  }
  check();
  struct bookkeeping state = bookkeeping();
  if (remember(hash_of(&state))) {
    assert_true(way_count < STATES_MAX && from->length < LENGTH_MAX);
    struct way *way = &ways[way_count++];
    *way = *from;
    if (step < STEPS) {
      way->steps[way->length++] = (uint8_t)step;
    }
  }
  small_power_off();
}

static uint32_t page_in(uint32_t base) {
  for (unsigned i = 0; i < small_page_count; i++) {
    if (small_pages[i].va / SECTION_SIZE == base / SECTION_SIZE && small_pages[i].stack_base == 0) {
      return small_pages[i].va;
    }
  }
  fail();
  return 0;
}

/* Returns the number of states. pages: so many of the watched ones are written. */
static unsigned explore(policy_chooser choose, unsigned generations, unsigned pages) {
  static const struct way nothing;
  memset(known, 0, sizeof known);
  way_count = 0;
  page_count = pages;
  small_configure(choose, 1, 1, generations, false, false);
  watched[0] = page_in(VMI_TASK_BASE);
  watched[1] = page_in(VMI_SHARED_BASE);
  watched[2] = page_in(VMI_KERNEL_BASE);
  try(&nothing, STEPS);
  for (unsigned next = 0; next < way_count; next++) {
    for (unsigned step = 0; step < STEPS; step++) {
      try(&ways[next], step);
    }
  }
  print_message("%u states, the last one %u steps away\n", way_count, ways[way_count - 1u].length);
  return way_count;
}

static void test_undo(void **state) {
  (void)state;
  assert_true(explore(small_undo, 0, 3) > 500);
}

static void test_eager(void **state) {
  (void)state;
  assert_true(explore(small_eager, 0, 3) > 500);
}

static void test_full(void **state) {
  (void)state;
  assert_true(explore(small_full, 0, 3) > 50);
}

static void test_older_generation(void **state) {
  (void)state;
  assert_true(explore(small_undo, 1, 2) > 500);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_undo),
      cmocka_unit_test(test_eager),
      cmocka_unit_test(test_full),
      cmocka_unit_test(test_older_generation),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
