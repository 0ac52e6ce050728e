/* SPDX-License-Identifier: Apache-2.0 */
/* Undo log: the first write to a page after a checkpoint saves its pre-image in a twin frame (R19..R21, D3). */
#include "core/recovery.h"
#include "lib/string.h"
#include "recovery/pages.h"

static void save_pre_image(struct vm *vm, const struct page_ref *page, uint32_t twin) {
  page_copy((void *)(uintptr_t)twin, (const void *)(uintptr_t)pte_frame(*page->active));
  vm->counters.saved_pages++;
}

static void note_dirty(struct vm *vm, const struct page_ref *page) {
  if ((*page->record & PAGE_DIRTY) == 0) {
    *page->record |= PAGE_DIRTY;
    list_add(&vm->dirty, page->id);
  }
}

/*
 * The kernel wrote into a stopped task. If that is what the task's checkpoint holds, the checkpoint is taken again before
 * the task runs (switch.c); if the task ran since, a rollback of it alone would lose the write (D6).
 */
static void note_stopped_written(struct vm *vm, unsigned task) {
  vm->tasks_written |= 1u << task;
  if (vm->threads[task].active != vm->threads[task].task_saved) {
    vm->kernel_changed |= 1u << task;
  }
}

static void note_task_dirty(struct vm *vm, const struct page_ref *page, unsigned task) {
  if ((*page->record & PAGE_TASK_DIRTY) == 0) {
    *page->record |= PAGE_TASK_DIRTY;
    list_add(&vm->task_dirty[task], page->id);
    vm->tasks_dirty |= 1u << task;
  }
  if (task != vm->state.owner) {
    note_stopped_written(vm, task);
  }
}

/* One pre-image serves both checkpoints if the page has not changed since the VM's. */
static void save_task_page(struct vm *vm, const struct page_ref *page, unsigned task) {
  uint32_t active = pte_frame(*page->active);
  uint32_t saved = pte_frame(*page->backup);
  uint32_t twin = spare_frame(*page->record, active, saved);
  save_pre_image(vm, page, twin);
  *page->task_backup = pte_with_frame(*page->active, twin);
  if (saved == active) {
    *page->backup = *page->task_backup;
  }
  note_task_dirty(vm, page, task);
  note_dirty(vm, page);
}

/* Kernel, shared and channel pages have no task checkpoint. */
static void save_vm_page(struct vm *vm, const struct page_ref *page) {
  uint32_t active = pte_frame(*page->active);
  if (pte_frame(*page->backup) == active) {
    uint32_t twin = spare_frame(*page->record, active, active);
    save_pre_image(vm, page, twin);
    *page->backup = pte_with_frame(*page->active, twin);
  }
  note_dirty(vm, page);
}

/* What tasks share is not rolled back with one of them: whoever may have written it takes the VM along (D6). */
static void note_shared_open(struct vm *vm, const struct page_ref *page) {
  vm->kernel_changed |= 1u << vm->state.owner;
  if ((*page->record & PAGE_OPEN) == 0) {
    *page->record |= PAGE_OPEN;
    list_add(&vm->shared_open, page->id);
  }
}

bool recovery_first_write(struct vm *vm, uint32_t va) {
  uint32_t window = va / SECTION_SIZE;
  if (!vm->tracked || window >= WINDOW_COUNT || vm->pages[window] == NULL) {
    return false;
  }
  struct page_ref page = page_ref(vm, window, va / PAGE_SIZE % L2_ENTRIES);
  if (*page.record == 0 || pte_is_open(*page.active)) {
    return false;
  }
  if (is_task_window(window)) {
    save_task_page(vm, &page, window - WINDOW_TASK);
  } else {
    save_vm_page(vm, &page);
    if (window != WINDOW_KERNEL) {
      note_shared_open(vm, &page);
    }
  }
  *page.active = pte_open(*page.active);
  tlb_forget_page(va, vm->asid);
  return true;
}
