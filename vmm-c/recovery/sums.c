/* SPDX-License-Identifier: Apache-2.0 */
#include "recovery/sums.h"

#include "core/recovery.h"
#include "lib/string.h"
#include "recovery/checkpoint.h"
#include "recovery/pages.h"

static struct page_sum *sum_of(const struct vm *vm, uint32_t frame) {
  return &vm->sums[(frame - vm->frames) / PAGE_SIZE];
}

static uint32_t sum_from(uint32_t frame, uint32_t from) {
  return words_sum((const uint32_t *)(uintptr_t)(frame + from), PAGE_SIZE - from);
}

void sum_note(struct vm *vm, uint32_t frame, uint32_t content, uint32_t from) {
  *sum_of(vm, frame) = (struct page_sum){sum_from(content, from), from};
  stores_in_order();
}

/* A damaged table must not lead out of the frame. */
bool sum_holds(const struct vm *vm, uint32_t frame) {
  const struct page_sum *sum = sum_of(vm, frame);
  return sum->from <= PAGE_SIZE && sum->from % 32u == 0 && sum_from(frame, sum->from) == sum->sum;
}

/* A frame that is active as well has no checksum: the guest may be going to write there. */
static bool backup_holds(const struct vm *vm, uint32_t backup, uint32_t active) {
  return pte_frame(backup) == pte_frame(active) || sum_holds(vm, pte_frame(backup));
}

/* Does the action bring back the page's frame in the backup? An older generation may have one of its own. */
static bool is_used(uint32_t record, enum vmi_action action) {
  return action == VMI_ACTION_WARM_RESET         ? (record & PAGE_PERSISTENT) != 0
         : action == VMI_ACTION_OLDER_GENERATION ? (record & PAGE_KEPT) == 0
                                                 : true;
}

bool recovery_backup_is_sound(struct vm *vm, unsigned thread, enum vmi_action action, struct vmi_fault *what) {
  bool of_task = action == VMI_ACTION_TASK_ROLLBACK;
  if (vm->sums == NULL) {
    return true;
  }
  if (of_task) {
    checkpoint_refresh(vm, thread);
  }
  const struct page_list *list = of_task ? &vm->task_dirty[thread] : &vm->dirty;
  for (uint32_t i = 0; i < list->count; i++) {
    struct page_ref page = page_of(vm, list->pages[i]);
    uint32_t backup = of_task ? *page.task_backup : *page.backup;
    if (is_used(page.record, action) && !backup_holds(vm, backup, *page.active)) {
      *what = (struct vmi_fault){.kind = VMI_FAULT_CHECK,
                                 .class = VMI_CLASS_BACKUP,
                                 .status = of_task ? VMI_BACKUP_TASK : VMI_BACKUP_VM,
                                 .address = page_va(page.id)};
      return false;
    }
  }
  return true;
}

bool sums_hold(const struct vm *vm) {
  for (uint32_t window = 0; vm->sums != NULL && window < WINDOW_COUNT; window++) {
    const page_t *records = vm->pages[window];
    for (uint32_t page = 0; records != NULL && page < L2_ENTRIES; page++) {
      uint32_t id = page_id(window, page);
      if (records[page] != 0 && !backup_holds(vm, *entry_in(vm->backup_pt, id), *entry_in(vm->active_pt, id))) {
        return false;
      }
    }
  }
  return true;
}
