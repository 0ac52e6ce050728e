/* SPDX-License-Identifier: Apache-2.0 */
#include "recovery/duplicate.h"

#include "lib/string.h"
#include "recovery/checkpoint.h"
#include "recovery/pages.h"
#include "recovery/schedule.h"
#include "recovery/sums.h"
#include "recovery/threads.h"

static uint32_t page_number(uint32_t id) {
  return (id & 0x3ffu) >> 2;
}

void page_set_add(struct page_set *set, uint32_t id) {
  uint32_t window = page_window(id);
  uint32_t page = page_number(id);
  set->pages[window][page / 32u] |= 1u << page % 32u;
  set->windows |= 1u << window;
}

void page_set_fill(struct page_set *set, const struct vm *vm) {
  for (uint32_t window = 0; window < WINDOW_COUNT; window++) {
    const page_t *records = vm->pages[window];
    for (uint32_t page = 0; records != NULL && page < L2_ENTRIES; page++) {
      if (records[page] != 0) {
        page_set_add(set, page_id(window, page));
      }
    }
  }
}

bool page_set_take(struct page_set *set, uint32_t *id) {
  while (set->windows != 0) {
    uint32_t window = 31u - count_leading_zeros(set->windows);
    for (uint32_t word = 0; word < L2_ENTRIES / 32u; word++) {
      if (set->pages[window][word] != 0) {
        *id = page_id(window, word * 32u + take_bit(&set->pages[window][word]));
        return true;
      }
    }
    set->windows &= ~(1u << window);
  }
  return false;
}

/* Never into the frame of the last complete duplicate. */
static uint32_t frame_to_fill(struct vm *to, const struct page_ref *page) {
  uint32_t saved = pte_frame(*page->backup);
  uint32_t active = pte_frame(*page->active);
  if (active != saved) {
    return active;
  }
  if ((page->record & PAGE_SUMMED) != 0) {
    sum_note(to, saved, saved, 0);
  }
  dirty_add(to, page->id);
  return spare_frame(page->record, saved, saved);
}

void duplicate_page(const struct vm *from, struct vm *to, uint32_t id) {
  struct page_ref page = page_of(to, id);
  uint32_t source = pte_frame(*entry_in(from->backup_pt, id));
  uint32_t frame = frame_to_fill(to, &page);
  page_copy(frame, source);
  *page.active = pte_arm(pte_with_frame(*page.active, frame));
}

static void commit_pages(struct vm *to) {
  for (uint32_t i = 0; i < to->dirty.count; i++) {
    settle_page(to->active_pt, to->dirty.pages[i]);
  }
  to->dirty.count = to->dirty.permanent;
  drop_task_lists(to);
}

static void take_thread(const struct vm *from, struct vm *to, unsigned t) {
  const struct thread *source = &from->threads[t];
  struct thread *thread = &to->threads[t];
  thread_unshare(to, thread);
  context_copy(thread_frame(thread), image_context(vm_image(source)));
  *thread_vfp_slot(to, thread) = from->vfp[t][source->vfp_vm_saved];
  if (t < VMI_TASK_MAX) {
    schedule_begin(task_schedule(to, t), &thread->saves_due, &to->task_saved_at[t]);
  }
  thread->rollbacks = source->rollbacks;
  to->threads_dirty |= 1u << t;
}

static struct thread *thread_like(const struct vm *from, const struct thread *thread, struct vm *to) {
  return &to->threads[thread_number(from, thread)];
}

static void take_state(const struct vm *from, struct vm *to) {
  for (uint32_t mask = ((1u << from->guest->task_count) - 1u) | 1u << KERNEL_THREAD; mask != 0;) {
    take_thread(from, to, take_bit(&mask));
  }
  to->thread = thread_like(from, from->saved.thread, to);
  to->owner = thread_like(from, from->saved.owner, to);
  to->state = from->saved.state;
  *to->vcpu = from->saved.vcpu;
  ready_copy(&to->tasks, &from->saved.tasks);
  to->tasks_changed = TASKS_CHANGED;
  memcpy(to->task_starts, from->task_starts, sizeof to->task_starts);
  to->starts_lost = from->starts_lost | from->tasks_changed;
}

/* From `committing` on, what is present in `to` is the new duplicate (recovery_complete). */
void duplicate_commit(const struct vm *from, struct vm *to, bool all) {
  if (all) {
    take_state(from, to);
  }
  to->committing = true;
  stores_in_order();
  commit_pages(to);
  checkpoint_vm_state(to);
  to->saved.input = from->saved.input;
  stores_in_order();
  to->committing = false;
}
