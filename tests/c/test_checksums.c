// SPDX-License-Identifier: Apache-2.0
// like: test_recovery.c
/*
 * Checksums of backups (D7): a flipped bit in what a rollback would bring back is found before it does, whatever guests have done
 * before, and another recovery is done instead. That there is no false alarm, and which flips are found: test_recovery.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/armv7/mmu.h"
#include "core/fault.h"
#include "core/fault_log.h"
#include "core/recovery.h"
#include "core/vm_memory.h"
#include "guest.h"
#include "guest_random.h"
#include "lib/string.h"
#include "machine.h"
#include "model.h"
#include "model_restore.h"
#include "recovery/generations.h"

#define SEQUENCES 120u
#define STEPS 160u
#define PAGE (VMI_TASK_BASE + 0x1000u) /* data of the first task, persistent */
#define KERNEL_PAGE (VMI_KERNEL_BASE + 0x1000u)
#define LATER 0x100u /* a word of it that nobody writes */

bool __real_recovery_older_generation(struct vm *vm, struct vmi_fault *record);

static struct vm *const vm = &vms[1];

static uint8_t *backup_of(uint32_t va) {
  return (uint8_t *)(uintptr_t)pte_frame(*vm_entry(vm->backup_pt, va));
}

static uint8_t *task_backup_of(uint32_t va) {
  uint32_t entry = l2_table(vm->task_backup_pt[small_task(va)])[va / PAGE_SIZE % L2_ENTRIES];
  return (uint8_t *)(uintptr_t)pte_frame(entry);
}

static uint8_t *active_of(uint32_t va) {
  return (uint8_t *)(uintptr_t)pte_frame(*vm_entry(vm->active_pt, va));
}

static unsigned found;

/* The last byte of a page is alive in any case. */
static void damage(uint8_t *frame, uint32_t va, unsigned thread, enum vmi_action action) {
  struct vmi_fault what = {0};
  bool separate = frame != active_of(va);
  (void)recovery_backup_is_sound(vm, thread, action, &what); /* may take the task's checkpoint again */
  frame[PAGE_SIZE - 1u] ^= 0x80;
  bool sound = recovery_backup_is_sound(vm, thread, action, &what);
  CHECK(sound == (!separate || vm->sums == NULL), "%08x: damage %s", va,
        sound ? "is not found" : "of nothing is found");
  CHECK(sound || (what.kind == VMI_FAULT_CHECK && what.class == VMI_CLASS_BACKUP && what.address == va), "record");
  CHECK(sound || what.status == (action == VMI_ACTION_TASK_ROLLBACK ? VMI_BACKUP_TASK : VMI_BACKUP_VM), "whose it is");
  found += !sound;
  if (action == VMI_ACTION_VM_ROLLBACK && !sound) {
    CHECK(!recovery_complete(vm), "after a fault of the VMM nobody looks");
  }
  frame[PAGE_SIZE - 1u] ^= 0x80;
}

static void damage_generation(void) {
  const struct page_list *kept = &generation_at(vm, 0)->pages;
  struct vmi_fault record = {0};
  uint32_t *space = vm->active_pt;
  for (unsigned i = 0; i < kept->count && vm->sums != NULL; i++) {
    uint32_t record_of_page = vm->pages[kept->pages[i] >> 18][(kept->pages[i] & 0x3ffu) >> 2];
    uint8_t *last =
        (uint8_t *)(uintptr_t)((record_of_page & PAGE_MASK) + (kept->pages[i] >> 10 & 7u) * PAGE_SIZE + PAGE_SIZE - 1u);
    *last ^= 1;
    CHECK(!__real_recovery_older_generation(vm, &record) && vm->active_pt == space, "a damaged generation is used");
    *last ^= 1;
    found++;
  }
}

static void damage_some(struct context *frame) {
  (void)frame;
  unsigned page = random_below(small_page_count);
  uint32_t va = small_pages[page].va;
  if (vm->run_state == VMI_VM_EMPTY || !small_is_saved(page)) {
    return;
  }
  damage(backup_of(va), va, KERNEL_THREAD, VMI_ACTION_VM_ROLLBACK);
  if (small_task(va) >= 0 && vm->tasks_written == 0) {
    damage(task_backup_of(va), va, (unsigned)small_task(va), VMI_ACTION_TASK_ROLLBACK);
  }
  if (vm->generations.count != 0) {
    damage_generation();
  }
}

/* Every page of every checkpoint; nothing is noticed without checksums. */
static void test_every_backup(void **state) {
  (void)state;
  found = 0;
  for (uint32_t seed = 1; seed <= SEQUENCES; seed++) {
    random_start(seed);
    small_configure(small_choosers[seed % SMALL_CHOOSERS], 1, 1u + seed / 4u % 2u, seed / 8u % 3u, false, true);
    small_power_on();
    for (unsigned step = 0; step < STEPS; step++) {
      random_step(step);
      guest_exception(damage_some);
    }
    small_power_off();
  }
  print_message("%u flips found\n", found);
  assert_true(found > 3000);
}

/* What lib/string.h promises: any change within a word, and any burst of at most 31 bits. */
static void test_what_is_found(void **state) {
  static uint32_t words[16];
  (void)state;
  random_start(1);
  for (unsigned n = 0; n < 200000; n++) {
    words[random_below(16)] = random_below(0xffffffffu);
    uint32_t before = words_sum(words, sizeof words);
    uint32_t bit = random_below(32u * 15u);
    uint64_t burst = (uint64_t)(n % 2u == 0 ? 1u + random_below(0x7fffffffu) : 0) << bit % 32u;
    uint32_t own = n % 2u == 0 ? (uint32_t)burst : 1u + random_below(0xfffffffeu);
    words[bit / 32u] ^= own;
    words[bit / 32u + 1u] ^= (uint32_t)(burst >> 32);
    CHECK(words_sum(words, sizeof words) != before, "burst %llx at %u", (unsigned long long)burst, bit);
  }
}

/* The first task runs, and its pages differ from their backups. */
static void with_backups(void) {
  random_start(1);
  small_configure(small_undo, 1, 1, 0, false, true);
  small_power_on();
  guest_start_tasks();
  guest_dirty_own_pages(1);
}

/* Invariant 3: in the middle of a commit the present state is the checkpoint, whatever the former one is like. */
static void test_committing(void **state) {
  (void)state;
  with_backups();
  backup_of(PAGE)[LATER] ^= 4;
  assert_false(recovery_complete(vm));
  vm->committing = true;
  assert_true(recovery_complete(vm));
  small_power_off();
}

/* Damage of the table itself is damage of what it stands for, and leads nowhere. */
static void test_damaged_table(void **state) {
  static const uint32_t bits[] = {1, 4, 0x2000, 0x80000000};
  struct vmi_fault what;
  (void)state;
  with_backups();
  struct page_sum *sum = &vm->sums[((uint32_t)(uintptr_t)backup_of(PAGE) - vm->frames) / PAGE_SIZE];
  for (unsigned i = 0; i < sizeof bits / sizeof bits[0]; i++) {
    assert_true(recovery_backup_is_sound(vm, KERNEL_THREAD, VMI_ACTION_VM_ROLLBACK, &what));
    sum->from ^= bits[i];
    assert_false(recovery_backup_is_sound(vm, KERNEL_THREAD, VMI_ACTION_VM_ROLLBACK, &what));
    sum->from ^= bits[i];
    sum->sum ^= bits[i];
    assert_false(recovery_backup_is_sound(vm, KERNEL_THREAD, VMI_ACTION_VM_ROLLBACK, &what));
    sum->sum ^= bits[i];
  }
  small_power_off();
}

static uint32_t next_record; /* of the fault log */

/* VM 1 with checksums and an older generation; its first task runs, and has written its pages. */
static void power_on(enum vmi_action on_backup) {
  random_start(1);
  small_configure(small_undo, 1, 1, 1, false, true);
  small_power_on();
  assert_non_null(vm->sums);
  for (unsigned row = 0; row <= VMI_TASK_MAX; row++) {
    vm->health.on[row][VMI_CLASS_BACKUP] = (uint8_t)on_backup;
  }
  guest_start_tasks();
  guest_dirty_own_pages(1);
}

static void promote(struct context *frame) {
  (void)frame;
  (void)recovery_checkpoint(vm);
  model_promote(vm);
}

static void take_checkpoint(struct context *frame) {
  (void)frame;
  (void)recovery_checkpoint(vm);
}

static void flip(uint8_t *frame) {
  frame[LATER] ^= 4;
}

static struct vmi_fault record(uint32_t back) {
  struct vmi_fault fault;
  assert_int_equal(fault_log_read(fault_log.next_sequence - 1u - back, &fault), VMI_OK);
  return fault;
}

/* The fault is told as it is; what was done stands in a second record. */
static void expect(enum vmi_fault_class class, uint8_t task, uint32_t va, enum vmi_action action, uint8_t reason) {
  struct vmi_fault first = record(1);
  struct vmi_fault second = record(0);
  assert_int_equal(fault_log.next_sequence, next_record + 2u);
  assert_int_equal(first.class, class);
  assert_int_equal(first.action, VMI_ACTION_LOG);
  assert_int_equal(first.reason, VMI_REASON_UNAVAILABLE);
  assert_int_equal(first.pages, 0);
  assert_int_equal(second.class, VMI_CLASS_BACKUP);
  assert_int_equal(second.vm, 1);
  assert_int_equal(second.task, task);
  assert_int_equal(second.address, va);
  assert_int_equal(second.action, action);
  assert_int_equal(second.reason, reason);
  small_power_off();
}

static void fault_now(void) {
  next_record = fault_log.next_sequence;
  guest_undefined_instruction();
}

/* The task's checkpoint is taken by a switch to another task and back, so that it is not the VM's. */
static void other_task_and_back(void) {
  for (unsigned task = 1; task < 3; task++) {
    guest_svc(SMALL_PURE_CALL, 0, 0, 0, 0);
    guest_svc(VMI_TASK_SWITCH, task % 2u, 0, 0, 0);
  }
  assert_int_equal(vm_current_task(vm), 0);
}

/* # D5 # D7 One page, saved once for both checkpoints and for the generation: only the pristine image is left. */
static void test_no_copy_is_left(void **state) {
  (void)state;
  power_on(VMI_ACTION_OLDER_GENERATION);
  guest_exception(promote);
  guest_dirty_own_pages(2);
  flip(task_backup_of(PAGE));
  model_of(vm)->older_damaged = true;
  fault_now();
  expect(VMI_CLASS_INSTRUCTION, 0, PAGE, VMI_ACTION_COLD_RESTART, VMI_REASON_UNAVAILABLE);
}

/* The task's checkpoint alone is damaged: what the policy says is done, but nothing milder than what is possible. */
static void test_task(void **state) {
  static const struct {
    enum vmi_action on;
    enum vmi_action done;
    enum vmi_reason reason;
  } cases[] = {
      {VMI_ACTION_OLDER_GENERATION, VMI_ACTION_OLDER_GENERATION, VMI_REASON_POLICY},
      {VMI_ACTION_VM_ROLLBACK, VMI_ACTION_VM_ROLLBACK, VMI_REASON_POLICY},
      {VMI_ACTION_TASK_ROLLBACK, VMI_ACTION_VM_ROLLBACK, VMI_REASON_BUDGET}, /* of the restart of the task */
      {VMI_ACTION_LOG, VMI_ACTION_VM_ROLLBACK, VMI_REASON_BUDGET},
  };
  (void)state;
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    power_on(cases[i].on);
    vm->health.next[VMI_ACTION_TASK_RESTART] = VMI_ACTION_VM_ROLLBACK;
    guest_exception(promote);
    guest_dirty_own_pages(2);
    guest_undefined_instruction(); /* so that the next fault is not the first one in the window of the budget */
    assert_int_equal(record(0).action, VMI_ACTION_TASK_ROLLBACK);
    guest_dirty_own_pages(2);
    other_task_and_back();
    guest_dirty_own_pages(3);
    assert_ptr_not_equal(task_backup_of(PAGE), backup_of(PAGE));
    flip(task_backup_of(PAGE));
    fault_now();
    expect(VMI_CLASS_INSTRUCTION, 0, PAGE, cases[i].done, cases[i].reason);
  }
}

/* The VM's checkpoint is damaged, and the generation has a frame of its own; or that is damaged, too. */
static void test_vm(void **state) {
  (void)state;
  for (unsigned both = 0; both < 2; both++) {
    power_on(VMI_ACTION_VM_ROLLBACK);
    guest_exception(promote);
    guest_dirty_own_pages(2);
    uint8_t *kept = backup_of(PAGE);
    guest_exception(take_checkpoint);
    guest_dirty_own_pages(3);
    assert_ptr_not_equal(backup_of(PAGE), kept);
    flip(backup_of(PAGE));
    vm->threads[0].impure = 1;
    model_of(vm)->changed |= 1u;
    if (both != 0) {
      flip(kept);
      model_of(vm)->older_damaged = true;
    }
    fault_now();
    expect(VMI_CLASS_INSTRUCTION, VMI_TASK_KERNEL, PAGE,
           both != 0 ? VMI_ACTION_COLD_RESTART : VMI_ACTION_OLDER_GENERATION,
           both != 0 ? VMI_REASON_UNAVAILABLE : VMI_REASON_POLICY);
  }
}

/* Also when a person asks for the rollback. */
static void test_request(void **state) {
  (void)state;
  power_on(VMI_ACTION_OLDER_GENERATION);
  guest_exception(take_checkpoint);
  guest_dirty_own_pages(2);
  flip(backup_of(PAGE));
  next_record = fault_log.next_sequence;
  assert_int_equal(fault_request_rollback(vm, VMI_TASK_KERNEL), VMI_OK);
  expect(VMI_CLASS_REQUEST, VMI_TASK_KERNEL, PAGE, VMI_ACTION_COLD_RESTART, VMI_REASON_UNAVAILABLE);
}

/* A warm reset keeps persistent memory as the checkpoint has it, and nothing else of it. */
static void test_warm_reset(void **state) {
  static const struct {
    uint32_t va;
    enum vmi_action action;
  } cases[] = {{KERNEL_PAGE, VMI_ACTION_WARM_RESET}, {PAGE, VMI_ACTION_COLD_RESTART}};
  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    power_on(VMI_ACTION_COLD_RESTART);
    vm->health.steps[VMI_ACTION_WARM_RESET].budget = 1;
    vm->health.next[VMI_ACTION_WARM_RESET] = VMI_ACTION_COLD_RESTART;
    for (unsigned row = 0; row <= VMI_TASK_MAX; row++) {
      vm->health.on[row][VMI_CLASS_INSTRUCTION] = VMI_ACTION_WARM_RESET;
    }
    guest_exception(take_checkpoint);
    guest_dirty_own_pages(2);
    guest_svc(SMALL_PURE_CALL, 0, 0, 0, 0);
    assert_true(guest_store(KERNEL_PAGE, 1));
    flip(backup_of(cases[i].va));
    fault_now();
    assert_int_equal(record(0).action, cases[i].action);
    small_power_off();
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_backup), cmocka_unit_test(test_damaged_table),   cmocka_unit_test(test_what_is_found),
      cmocka_unit_test(test_committing),   cmocka_unit_test(test_no_copy_is_left), cmocka_unit_test(test_task),
      cmocka_unit_test(test_vm),           cmocka_unit_test(test_request),         cmocka_unit_test(test_warm_reset),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
