/* SPDX-License-Identifier: Apache-2.0 */
#include "recovery/validate.h"

#include "core/recovery.h"
#include "recovery/pages.h"

#define QUARTER_BYTES (L2_ENTRIES * 4u)
#define PTE_ATTRIBUTES (~PAGE_MASK & ~PTE_AP_MASK)

static bool found(struct vmi_fault *what, enum vmi_table_damage damage, const void *address) {
  what->kind = VMI_FAULT_CHECK;
  what->class = VMI_CLASS_TABLE;
  what->status = damage;
  what->address = (uint32_t)(uintptr_t)address;
  return false;
}

static bool in_partition(const struct vm *vm, uint32_t address) {
  return address - vm->partition->memory_base < vm->partition->memory_size;
}

static bool spaces_valid(const struct vm *vm) {
  uint32_t first = (uint32_t)(uintptr_t)vm_first_space(vm);
  uint32_t active = (uint32_t)(uintptr_t)vm->active_pt;
  uint32_t backup = (uint32_t)(uintptr_t)vm->backup_pt;
  bool own = (active == first && backup == first + L1_BYTES) || (backup == first && active == first + L1_BYTES);
  return own && vm->ttbr0 == ttbr0_of(vm->active_pt) && (vm->asid & ~1u) == vm_first_asid(vm);
}

static bool is_thread(const struct vm *vm, const struct thread *thread) {
  uintptr_t offset = (uintptr_t)thread - (uintptr_t)vm->threads;
  return offset < sizeof vm->threads && offset % sizeof(struct thread) == 0;
}

static bool is_image(const struct thread *thread, image_t image) {
  uintptr_t offset = (uintptr_t)image - (uintptr_t)context_image(&thread->frames[0]);
  return offset < sizeof thread->frames && offset % sizeof(struct context) == 0;
}

static bool images_valid(const struct thread *thread) {
  return is_image(thread, thread->frame) && is_image(thread, thread->park) && is_image(thread, thread->task_saved) &&
         (thread->vm_saved == 0 || is_image(thread, thread->vm_saved)) && thread->vfp_active < 3 &&
         thread->vfp_task_saved < 3 && thread->vfp_vm_saved < 3;
}

static bool threads_valid(const struct vm *vm, struct vmi_fault *what) {
  if (vm->kernel != &vm->threads[KERNEL_THREAD] || !is_thread(vm, vm->thread) || !is_thread(vm, vm->owner) ||
      !is_thread(vm, vm->saved.thread) || !is_thread(vm, vm->saved.owner)) {
    return found(what, VMI_TABLE_THREADS, vm);
  }
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    if (!images_valid(&vm->threads[t])) {
      return found(what, VMI_TABLE_THREADS, &vm->threads[t]);
    }
  }
  return true;
}

/* The tables of a window and its records lie in one page. Which of its quarters a first-level entry names, or -1. */
static int quarter(const struct vm *vm, uint32_t window, uint32_t descriptor) {
  uint32_t first = (uint32_t)(uintptr_t)vm->pages[window] & ~WINDOW_TABLES_MASK;
  uint32_t domain = window == WINDOW_VMM ? DOMAIN_SHARED : window;
  uint32_t tables = is_task_window(window) ? 3u : 2u;
  uint32_t offset = descriptor - l1_descriptor((const uint32_t *)(uintptr_t)first, domain);
  return offset < tables * QUARTER_BYTES && offset % QUARTER_BYTES == 0 ? (int)(offset / QUARTER_BYTES) : -1;
}

static bool window_valid(const struct vm *vm, uint32_t window) {
  if (vm->pages[window] == NULL) {
    return vm->active_pt[window] == 0 && vm->backup_pt[window] == 0;
  }
  uint32_t records = (uint32_t)(uintptr_t)vm->pages[window];
  if (!in_partition(vm, records) || records % WINDOW_TABLES_SIZE != WINDOW_TABLES_MASK) {
    return false;
  }
  int active = quarter(vm, window, vm->active_pt[window]);
  int backup = quarter(vm, window, vm->backup_pt[window]);
  int task = is_task_window(window) ? quarter(vm, window, vm->task_backup_pt[window - WINDOW_TASK]) : 3;
  return active >= 0 && backup >= 0 && task >= 0 && active != backup && task != active && task != backup;
}

static bool windows_valid(const struct vm *vm, struct vmi_fault *what) {
  for (uint32_t window = 0; window < WINDOW_COUNT; window++) {
    if (!window_valid(vm, window)) {
      return found(what, VMI_TABLE_FIRST_LEVEL, &vm->active_pt[window]);
    }
  }
  return true;
}

static bool list_in_place(const struct vm *vm, const struct page_list *list) {
  return list->count <= list->capacity && list->permanent <= list->count &&
         in_partition(vm, (uint32_t)(uintptr_t)list->pages);
}

/* low, high: windows that the pages of the list may lie in. */
static bool list_valid(const struct vm *vm, const struct page_list *list, uint32_t low, uint32_t high) {
  if (!list_in_place(vm, list)) {
    return false;
  }
  for (uint32_t i = 0; i < list->count; i++) {
    uint32_t id = list->pages[i];
    uint32_t window = page_window(id);
    if (window < low || window > high || vm->pages[window] == NULL || (id & ~page_id(window, L2_ENTRIES - 1u)) != 0) {
      return false;
    }
  }
  return true;
}

static bool lists_valid(const struct vm *vm, struct vmi_fault *what) {
  if (!list_valid(vm, &vm->dirty, 0, WINDOW_VMM)) {
    return found(what, VMI_TABLE_LIST, &vm->dirty);
  }
  if (!list_valid(vm, &vm->shared_open, WINDOW_SHARED, WINDOW_VMM)) {
    return found(what, VMI_TABLE_LIST, &vm->shared_open);
  }
  for (uint32_t task = 0; task < vm->guest->task_count; task++) {
    if (!list_valid(vm, &vm->task_dirty[task], WINDOW_TASK + task, WINDOW_TASK + task)) {
      return found(what, VMI_TABLE_LIST, &vm->task_dirty[task]);
    }
  }
  return true;
}

bool validate_vm(const struct vm *vm, struct vmi_fault *what) {
  if (!spaces_valid(vm)) {
    return found(what, VMI_TABLE_SPACE, &vm->active_pt);
  }
  return threads_valid(vm, what) && windows_valid(vm, what) && lists_valid(vm, what);
}

static bool is_dirty(const struct vm *vm, uint32_t id) {
  uint32_t position = vm->positions[page_window(id)][(id & 0x3ffu) >> 2];
  return position < vm->dirty.count && vm->dirty.pages[position] == id;
}

/* One of the page's own frames, and a mapping that is the guest's, writable or armed. */
static bool entry_valid(const struct vm *vm, uint32_t record, uint32_t entry, bool may_be_open) {
  uint32_t rights = entry & PTE_AP_MASK;
  return frame_number(record, entry) < recovery_frames + vm->config->generations &&
         (entry & PTE_ATTRIBUTES) == (PTE_GUEST | PTE_XN) &&
         (rights == PTE_AP_ARMED || (may_be_open && rights == PTE_AP_USER_RW));
}

/* A page that is in no list of dirty pages is the same in all checkpoints (pages.h). */
static bool tracked_valid(const struct vm *vm, const struct page_ref *page) {
  uint32_t task = page->task_backup != NULL ? *page->task_backup : *page->backup;
  return in_partition(vm, page->record) && entry_valid(vm, page->record, *page->active, true) &&
         entry_valid(vm, page->record, *page->backup, false) && entry_valid(vm, page->record, task, false) &&
         (is_dirty(vm, page->id) ||
          (pte_frame(*page->active) == pte_frame(*page->backup) && pte_frame(*page->active) == pte_frame(task)));
}

/*
 * Text, constants, pages of the VMM's and those that are in no checkpoint: the same everywhere, and never writable and
 * executable.
 */
static bool fixed_valid(const struct vm *vm, const struct page_ref *page) {
  uint32_t entry = *page->active;
  if (*page->backup != entry || (page->task_backup != NULL && *page->task_backup != entry)) {
    return false;
  }
  uint32_t rights = entry & PTE_AP_MASK;
  bool own = page_window(page->id) == WINDOW_VMM || in_partition(vm, pte_frame(entry));
  return own && (rights == PTE_AP_USER_RO || (rights == PTE_AP_USER_RW && (entry & PTE_XN) != 0)) &&
         (entry & PTE_ATTRIBUTES & ~PTE_XN) == PTE_GUEST;
}

/* The frequent case: nothing in the record, nor in the three tables that lie before it (vm_memory.h). */
static bool is_unused(const page_t *record) {
  return (record[0] | *(record - L2_ENTRIES) | *(record - 2 * L2_ENTRIES) | *(record - 3 * L2_ENTRIES)) == 0;
}

static bool page_valid(const struct vm *vm, uint32_t id) {
  struct page_ref page = page_of(vm, id);
  return page.record != 0 ? tracked_valid(vm, &page) : fixed_valid(vm, &page);
}

bool validate_pages(const struct vm *vm, uint32_t window, uint32_t first, uint32_t count, struct vmi_fault *what) {
  if (!spaces_valid(vm)) {
    return found(what, VMI_TABLE_SPACE, &vm->active_pt);
  }
  if (!window_valid(vm, window)) {
    return found(what, VMI_TABLE_FIRST_LEVEL, &vm->active_pt[window]);
  }
  if (!list_in_place(vm, &vm->dirty)) {
    return found(what, VMI_TABLE_LIST, &vm->dirty);
  }
  for (uint32_t page = first; vm->pages[window] != NULL && page < first + count; page++) {
    if (!is_unused(vm->pages[window] + page) && !page_valid(vm, page_id(window, page))) {
      return found(what, VMI_TABLE_ENTRY, (const void *)(uintptr_t)page_va(page_id(window, page)));
    }
  }
  return true;
}
