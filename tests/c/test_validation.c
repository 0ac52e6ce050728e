// SPDX-License-Identifier: Apache-2.0
// like: test_recovery.c
/* D7: damage to tables, lists and pointers of a VM is found: bit by bit, in running systems of all policies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/armv7/mmu.h"
#include "core/fault_log.h"
#include "core/recovery.h"
#include "guest.h"
#include "guest_random.h"
#include "machine.h"
#include "recovery/pages.h"
#include "recovery/validate.h"
#include "small_vms.h"

static void power_on(void) {
  small_configure(small_undo, 1, 1, 0, false, true);
  small_power_on();
}

/* A bit of a table entry that flips and leaves it such as it may be: only then it is not found. */
static bool may_be_so(const struct page_ref *page, const uint32_t *entry, uint32_t bit) {
  bool dirty = pte_frame(*page->active) != pte_frame(*page->backup) ||
               (page->task_backup != NULL && pte_frame(*page->active) != pte_frame(*page->task_backup));
  uint32_t frame = pte_frame(*entry ^ bit) - (page->record & PAGE_MASK);
  if (page->record == 0) {
    return false;
  }
  if (entry == page->active && (bit & PTE_AP_MASK) != 0) {
    return (*entry & PTE_AP_MASK) == PTE_AP_ARMED ? bit == 0x10u : bit == 0x10u && pte_is_open(*entry);
  }
  return dirty && bit >= PAGE_SIZE && frame / PAGE_SIZE < recovery_frames + vms[1].config->generations;
}

static void flip_bits(struct vm *vm, const struct page_ref *page, uint32_t *entry) {
  struct vmi_fault what = {0};
  for (uint32_t bit = 1; bit != 0; bit <<= 1) {
    bool legal = may_be_so(page, entry, bit);
    *entry ^= bit;
    bool valid = validate_pages(vm, page_window(page->id), (page->id & 0x3ffu) >> 2, 1, &what);
    *entry ^= bit;
    CHECK(valid == legal, "page %x, entry %x, bit %x: %s", page_va(page->id), *entry, bit,
          valid ? "not found" : "found");
    CHECK(valid || (what.class == VMI_CLASS_TABLE && what.kind == VMI_FAULT_CHECK), "class");
  }
}

static void flip_entries(struct vm *vm) {
  for (uint32_t window = 1; window < WINDOW_COUNT; window++) {
    for (uint32_t n = 0; vm->pages[window] != NULL && n < L2_ENTRIES; n++) {
      struct page_ref page = page_of(vm, page_id(window, n));
      flip_bits(vm, &page, page.active);
      flip_bits(vm, &page, page.backup);
      if (page.task_backup != NULL) {
        flip_bits(vm, &page, page.task_backup);
      }
    }
  }
}

/* Every bit of a word that must have this one value, or one of a few. */
static void flip_word(const struct vm *vm, uint32_t *word, enum vmi_table_damage damage) {
  struct vmi_fault what = {0};
  for (uint32_t bit = 1; bit != 0; bit <<= 1) {
    *word ^= bit;
    bool valid = validate_vm(vm, &what);
    *word ^= bit;
    CHECK(!valid && what.status == damage, "bit %x of %p: %s", bit, (void *)word,
          valid ? "not found" : "another damage");
  }
}

/* A pointer in struct vm, which on the host is longer than the words that the VMM sees. */
static void flip_pointer(const struct vm *vm, void *where, enum vmi_table_damage damage) {
  struct vmi_fault what = {0};
  uintptr_t right;
  memcpy(&right, where, sizeof right);
  for (unsigned bit = 0; bit < 32; bit++) {
    uintptr_t wrong = right ^ (uintptr_t)1 << bit;
    memcpy(where, &wrong, sizeof wrong);
    bool valid = validate_vm(vm, &what) && validate_pages(vm, WINDOW_TASK, 0, L2_ENTRIES, &what);
    memcpy(where, &right, sizeof right);
    CHECK(!valid && what.status == damage, "bit %u of %p: %s", bit, where, valid ? "not found" : "another damage");
  }
}

static void flip_pointers(struct vm *vm) {
  void *const threads[] = {&vm->kernel, &vm->thread, &vm->owner, &vm->saved.thread, &vm->saved.owner};
  flip_pointer(vm, &vm->active_pt, VMI_TABLE_SPACE);
  flip_pointer(vm, &vm->backup_pt, VMI_TABLE_SPACE);
  for (unsigned i = 0; i < sizeof threads / sizeof threads[0]; i++) {
    struct vmi_fault what = {0};
    struct thread *right;
    struct thread *wrong = vm->threads + THREAD_COUNT;
    memcpy(&right, threads[i], sizeof right);
    memcpy(threads[i], &wrong, sizeof wrong);
    CHECK(!validate_vm(vm, &what) && what.status == VMI_TABLE_THREADS, "thread %u", i);
    wrong = (struct thread *)(void *)((char *)right + 4);
    memcpy(threads[i], &wrong, sizeof wrong);
    CHECK(!validate_vm(vm, &what) && what.status == VMI_TABLE_THREADS, "thread %u", i);
    memcpy(threads[i], &right, sizeof right);
  }
  flip_pointer(vm, &vm->pages[WINDOW_TASK], VMI_TABLE_FIRST_LEVEL);
}

/* Numbers that are too large by one, and pages that no list of that task can have. */
static void small_damage(struct vm *vm) {
  struct vmi_fault what = {0};
  struct thread *thread = &vm->threads[1];
  uint8_t *const vfp[] = {&thread->vfp_active, &thread->vfp_task_saved, &thread->vfp_vm_saved};
  for (unsigned i = 0; i < 3; i++) {
    uint8_t right = *vfp[i];
    *vfp[i] = 3;
    CHECK(!validate_vm(vm, &what) && what.status == VMI_TABLE_THREADS, "VFP image %u", i);
    *vfp[i] = right;
  }
  image_t saved = thread->vm_saved;
  thread->vm_saved = thread->frame + 4u;
  CHECK(!validate_vm(vm, &what) && what.status == VMI_TABLE_THREADS, "image of the VM");
  thread->vm_saved = saved;
  vm->asid ^= 2u;
  CHECK(!validate_vm(vm, &what) && !validate_pages(vm, 1, 0, 1, &what) && what.status == VMI_TABLE_SPACE, "ASID");
  vm->asid ^= 2u;
  struct page_list *list = &vm->task_dirty[0];
  struct page_list right = *list;
  uint32_t first = list->pages[0];
  static const uint32_t ids[] = {WINDOW_KERNEL << 18,    (WINDOW_TASK + 1u) << 18,   15u << 18,
                                 WINDOW_TASK << 18 | 2u, WINDOW_TASK << 18 | 0x400u, ~0u};
  list->count = right.count != 0 ? right.count : 1;
  for (unsigned i = 0; i < sizeof ids / sizeof ids[0]; i++) {
    list->pages[0] = ids[i];
    CHECK(!validate_vm(vm, &what) && what.status == VMI_TABLE_LIST, "page %x in a list", ids[i]);
  }
  list->pages[0] = first;
  list->pages = (uint32_t *)(uintptr_t)4096;
  CHECK(!validate_vm(vm, &what) && what.status == VMI_TABLE_LIST, "pages of a list");
  *list = right;
  vm->dirty.count += vm->dirty.capacity;
  CHECK(!validate_pages(vm, 1, 0, 1, &what) && what.status == VMI_TABLE_LIST, "count of a list");
  vm->dirty.count -= vm->dirty.capacity;
  vm->active_pt[WINDOW_TASK] ^= 1u;
  CHECK(!validate_pages(vm, WINDOW_TASK, 0, 1, &what) && what.status == VMI_TABLE_FIRST_LEVEL, "first level");
  vm->active_pt[WINDOW_TASK] ^= 1u;
  page_t *record = &vm->pages[WINDOW_TASK][1];
  *record ^= 0x80000000u;
  CHECK(!validate_pages(vm, WINDOW_TASK, 0, L2_ENTRIES, &what) && what.status == VMI_TABLE_ENTRY, "record");
  *record ^= 0x80000000u;
}

/* A window that the guest does not have: in a list its pages cannot be, in the tables there is nothing to look at. */
static void absent_window(struct vm *vm) {
  struct vmi_fault what = {0};
  uint32_t absent = page_id(WINDOW_TASK + SMALL_TASKS, 0);
  uint32_t first = vm->dirty.pages[0];
  vm->dirty.pages[0] = absent;
  CHECK(vm->dirty.count != 0 && !validate_vm(vm, &what) && what.status == VMI_TABLE_LIST, "a page that does not exist");
  vm->dirty.pages[0] = first;
  CHECK(validate_pages(vm, page_window(absent), 0, L2_ENTRIES, &what), "no window");
}

static void flip_in_all_tables(struct vm *vm, uint32_t va, uint32_t bits) {
  uint32_t window = va / VMI_WINDOW_SIZE;
  *vm_entry(vm->active_pt, va) ^= bits;
  *vm_entry(vm->backup_pt, va) ^= bits;
  if (window >= WINDOW_TASK && window != WINDOW_VMM) {
    l2_table(vm->task_backup_pt[window - WINDOW_TASK])[va / PAGE_SIZE % L2_ENTRIES] ^= bits;
  }
}

/* Memory that no checkpoint is of: the tables agree, but nothing in them may be like that. */
static void damage_in_all_tables(struct vm *vm) {
  static const struct {
    const char *what;
    uint32_t va;
    uint32_t bits;
  } cases[] = {
      {"text in another partition", VMI_KERNEL_BASE, 0x80000000u},
      {"text of a task in another partition", VMI_TASK_BASE, 0x80000000u},
      {"writable text", VMI_KERNEL_BASE, PTE_AP_USER_RO ^ PTE_AP_USER_RW},
      {"text that nobody may read", VMI_TASK_BASE, PTE_AP_USER_RO},
      {"executable data", VMI_VCPU_PAGE, PTE_XN},
      {"other attributes", VMI_SHARED_BASE, 0x8u},
      {"data that is writable for the VMM only", VMI_VCPU_PAGE, PTE_AP_USER_RW ^ PTE_AP_ARMED},
  };
  for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct vmi_fault what = {0};
    flip_in_all_tables(vm, cases[i].va, cases[i].bits);
    bool valid = validate_pages(vm, cases[i].va / VMI_WINDOW_SIZE, 0, L2_ENTRIES, &what);
    CHECK(!valid && what.status == VMI_TABLE_ENTRY && what.address == cases[i].va, "%s: not found", cases[i].what);
    flip_in_all_tables(vm, cases[i].va, cases[i].bits);
  }
}

/* Each of the tables of a window is where it may be, but two are the same one. */
static void one_table_for_two(struct vm *vm) {
  uint32_t *const places[] = {&vm->active_pt[WINDOW_TASK], &vm->backup_pt[WINDOW_TASK], &vm->task_backup_pt[0]};
  for (unsigned i = 0; i < 3; i++) {
    struct vmi_fault what = {0};
    uint32_t right = *places[i];
    *places[i] = *places[(i + 1u) % 3u];
    CHECK(!validate_vm(vm, &what) && what.status == VMI_TABLE_FIRST_LEVEL, "table %u is another one", i);
    *places[i] = right;
  }
}

static void flip_structures(struct vm *vm) {
  flip_word(vm, &vm->ttbr0, VMI_TABLE_SPACE);
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    flip_word(vm, &vm->threads[t].frame, VMI_TABLE_THREADS);
    flip_word(vm, &vm->threads[t].park, VMI_TABLE_THREADS);
    flip_word(vm, &vm->threads[t].task_saved, VMI_TABLE_THREADS);
  }
  for (unsigned window = 0; window < WINDOW_COUNT; window++) {
    flip_word(vm, &vm->active_pt[window], VMI_TABLE_FIRST_LEVEL);
    flip_word(vm, &vm->backup_pt[window], VMI_TABLE_FIRST_LEVEL);
  }
  for (unsigned task = 0; task < SMALL_TASKS; task++) {
    flip_word(vm, &vm->task_backup_pt[task], VMI_TABLE_FIRST_LEVEL);
  }
  vm->dirty.count += vm->dirty.capacity;
  flip_word(vm, &vm->shared_open.permanent, VMI_TABLE_LIST);
  vm->dirty.count -= vm->dirty.capacity;
}

/* D7 Every flipped bit in the entries of every page, and in the pointers to tables and images, is found, dirty or not. */
static void test_flipped_bits_are_found(void **state) {
  (void)state;
  for (unsigned i = 0; i < SMALL_CHOOSERS; i++) {
    random_start(i);
    small_configure(small_choosers[i], 1, 1, i % 3u, i % 3u == 1, true);
    small_power_on();
    guest_start_tasks();
    flip_entries(&vms[1]);
    guest_dirty_own_pages(i);
    flip_entries(&vms[1]);
    flip_structures(&vms[1]);
    flip_pointers(&vms[1]);
    small_damage(&vms[1]);
    absent_window(&vms[1]);
    damage_in_all_tables(&vms[1]);
    one_table_for_two(&vms[1]);
    flip_entries(&vms[1]); /* all of it was put right again */
    small_power_off();
  }
}

static void steps(unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    (void)recovery_validate_step();
  }
}

/* Many more than it takes to look at every page of every VM. */
#define ALL_STEPS 2000u

/* Every structure and every list that is damaged becomes a fault of class TABLE, and the VM is built anew. */
static void damage(uint32_t *word, uint32_t bits, enum vmi_table_damage damage) {
  uint32_t restarts = vms[1].counters.cold_restarts;
  vms[1].health.on[KERNEL_THREAD][VMI_CLASS_TABLE] = VMI_ACTION_COLD_RESTART; /* as by default in a real system */
  uint32_t records = fault_log.next_sequence;
  *word ^= bits;
  steps(ALL_STEPS);
  CHECK(fault_log.next_sequence == records + 1u, "%u records", fault_log.next_sequence - records);
  const struct vmi_fault *fault = fault_log_slot(records);
  assert_int_equal(fault->class, VMI_CLASS_TABLE);
  assert_int_equal(fault->status, damage);
  assert_int_equal(fault->vm, 1);
  assert_true(vms[1].counters.cold_restarts == restarts + 1u || vms[1].run_state == VMI_VM_STOPPED);
}

/* D7 In the background, one VM after the other, those that were rolled back first; nothing is found that is not there. */
static void test_background(void **state) {
  struct vmi_fault record = {0};
  (void)state;
  random_start(1);
  power_on();
  guest_start_tasks();
  struct vm *vm = &vms[1];
  uint32_t records = fault_log.next_sequence;
  steps(ALL_STEPS);
  recovery_rollback_task(vm, 0, &record);
  vm->recoveries++;
  guest_resume();
  steps(ALL_STEPS);
  assert_int_equal(vm_pause(&vms[2]), VMI_OK);
  steps(ALL_STEPS);
  assert_int_equal(vm_stop(&vms[2]), VMI_OK);
  vms[2].recoveries++; /* it stopped for good right after */
  steps(ALL_STEPS);
  assert_int_equal(fault_log.next_sequence, records);
  damage(&vm->dirty.count, 0x80000000u, VMI_TABLE_LIST);
  small_power_off();
  power_on();
  assert_int_equal(vm_pause(vm), VMI_OK); /* it will go on */
  damage(&vm->task_dirty[1].permanent, 0x100u, VMI_TABLE_LIST);
  small_power_off();
  power_on();
  damage(&vm->shared_open.count, 0x40000000u, VMI_TABLE_LIST);
  small_power_off();
  power_on();
  damage(entry_in(vm->backup_pt, page_id(WINDOW_KERNEL, 0)), PAGE_SIZE, VMI_TABLE_ENTRY);
  small_power_off();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_flipped_bits_are_found),
      cmocka_unit_test(test_background),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
