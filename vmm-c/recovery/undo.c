/* SPDX-License-Identifier: Apache-2.0 */
/* Undo log: the first write to a page after a checkpoint saves its pre-image in a twin frame (R19..R21, D3). */
#include "arch/armv7/cp15.h"
#include "core/outside.h"
#include "core/recovery.h"
#include "lib/string.h"
#include "recovery/pages.h"
#include "recovery/sums.h"

static void save_pre_image(struct vm *vm, const struct page_ref *page, uint32_t twin) {
  page_copy(twin, pte_frame(*page->active));
  vm->counters.saved_pages++;
}

/*
 * The kernel wrote into a stopped task. If that is what the task's checkpoint holds, the checkpoint is taken again before
 * the task runs (switch.c); if the task ran since, a rollback of it alone would lose the write (D6).
 */
static void note_stopped_written(struct vm *vm, struct thread *thread) {
  vm->tasks_written |= thread_bit(vm, thread);
  vm->owner->unsaved = 1; /* so that the next switch of tasks looks at it */
  if (thread->frame != thread->task_saved) {
    thread->impure = 1;
  }
}

/* One pre-image serves both checkpoints if the page has not changed since the VM's. */
static void save_task_page(struct vm *vm, const struct page_ref *page, unsigned task) {
  uint32_t active = pte_frame(*page->active);
  uint32_t saved = pte_frame(*page->backup);
  uint32_t twin = spare_frame(page->record, active, saved);
  struct thread *thread = &vm->threads[task];
  save_pre_image(vm, page, twin);
  *page->task_backup = pte_with_frame(*page->active, twin);
  if ((page->record & PAGE_FULL) == 0) { /* that is in the list for ever */
    list_add(&vm->task_dirty[task], page->id);
  }
  vm->tasks_dirty |= 1u << task;
  if (saved == active) {
    *page->backup = *page->task_backup;
    dirty_add(vm, page->id);
  }
  thread->unsaved = 1; /* an eager page stays open, also after the checkpoint of a stopped task was renewed */
  if (thread != vm->owner) {
    note_stopped_written(vm, thread);
  }
}

/* Kernel, shared and channel pages have no task checkpoint. */
static void save_vm_page(struct vm *vm, const struct page_ref *page) {
  uint32_t active = pte_frame(*page->active);
  if (pte_frame(*page->backup) == active) {
    uint32_t twin = spare_frame(page->record, active, active);
    save_pre_image(vm, page, twin);
    *page->backup = pte_with_frame(*page->active, twin);
    dirty_add(vm, page->id);
  }
}

/* What tasks share is not rolled back with one of them: whoever may have written it takes the VM along (D6). */
static void note_shared_open(struct vm *vm, const struct page_ref *page) {
  vm->owner->impure = 1;
  vm->owner->unsaved = 1;
  list_add(&vm->shared_open, page->id);
}

/* Of what is going to be copied, so that an error of the copy is found as well. A page with a pre-image has a spare frame, too. */
__attribute__((cold)) static void note_sum(struct vm *vm, uint32_t id) {
  struct page_ref page = page_of(vm, id);
  uint32_t active = pte_frame(*page.active);
  sum_note(vm, spare_frame(page.record, active, pte_frame(*page.backup)), active, 0);
}

bool recovery_first_write(struct vm *vm, uint32_t va) {
  uint32_t window = va / SECTION_SIZE;
  if (window >= WINDOW_COUNT || vm->pages[window] == NULL) { /* of a VM that is not tracked each is */
    return false;
  }
  struct page_ref page = page_of(vm, page_id(window, va / PAGE_SIZE % L2_ENTRIES));
  if (page.record == 0 || pte_is_open(*page.active)) {
    return false;
  }
  if ((page.record & PAGE_SUMMED) != 0) {
    note_sum(vm, page.id);
  }
  vm->unsaved = 1;
  if (page.task_backup != NULL) {
    save_task_page(vm, &page, window - WINDOW_TASK);
  } else {
    save_vm_page(vm, &page);
    if (window != WINDOW_KERNEL) {
      note_shared_open(vm, &page);
      vm->outside |= window == WINDOW_VMM ? OUTSIDE_PAGE((va - VMI_CHANNEL_BASE) / VMI_CHANNEL_STRIDE) : 0;
    }
  }
  *page.active = pte_open(*page.active);
  tlb_forget_page(va, vm->asid);
  return true;
}
