/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fault of the VMM in the middle of a first write, a checkpoint or a rollback leaves, and the way out of it (invariant 3).
 *
 * In each of them the VM's checkpoint is whole at every instruction, as backup_pt, the images and the saved state say it, with
 * two exceptions. While `committing` is set they are a mixture, and the present state is whole. While `going_back` is set they are
 * one, too, and the youngest older generation is whole. So there is nothing to undo: either that is done again from its start, or
 * what is present is forgotten. Older generations are given up: a commit may have been about to leave a frame to them. Nothing that an interrupted function left half
 * done is relied on, neither lists nor entries of other tables, so this may itself be interrupted and be called again.
 */
#include "core/recovery.h"
#include "core/standby.h"
#include "core/vm_memory.h"
#include "recovery/checkpoint.h"
#include "recovery/generations.h"
#include "recovery/pages.h"
#include "recovery/sums.h"
#include "recovery/threads.h"

static void settle_pages(struct vm *vm, uint32_t *l1) {
  for (uint32_t window = 0; window < WINDOW_COUNT; window++) {
    const page_t *records = vm->pages[window];
    for (uint32_t page = 0; records != NULL && page < L2_ENTRIES; page++) {
      if (records[page] != 0) {
        settle_page(l1, page_id(window, page));
      }
    }
  }
}

/* All spaces say the same of every page now, so it does not matter which is which: as after loading. */
static void settle_spaces(struct vm *vm) {
  uint32_t *first = vm_first_space(vm);
  uint32_t *second = first + L1_ENTRIES;
  for (uint32_t window = 0; window < WINDOW_COUNT; window++) {
    if (vm->pages[window] != NULL) {
      uint32_t tables = vm->backup_pt[window] & ~(uint32_t)WINDOW_TABLES_MASK;
      first[window] = tables;
      second[window] = tables + L2_BYTES;
      if (is_task_window(window)) {
        vm->task_backup_pt[window - WINDOW_TASK] = tables + 2u * L2_BYTES;
      }
    }
  }
  vm->backup_pt = second;
  stores_in_order();
  vm->active_pt = first;
  vm->asid = vm_first_asid(vm);
  vm->ttbr0 = ttbr0_of(first);
  tlb_forget_space(vm->asid);
  tlb_forget_space(vm->asid ^ 1u);
}

static void settle_lists(struct vm *vm) {
  vm->dirty.count = vm->dirty.permanent;
  vm->shared_open.count = 0;
  vm->tasks_dirty = (1u << vm->guest->task_count) - 1u;
  drop_task_lists(vm);
}

bool recovery_complete(struct vm *vm) {
  if (!vm->tracked || vm->loading) {
    return false;
  }
  if (vm->going_back) {
    vm->dirty.count = vm->dirty.permanent;
    generation_take(vm);
    stores_in_order();
    vm->going_back = false;
  }
  if (!vm->committing && !sums_hold(vm)) {
    return false;
  }
  generations_forget(vm);
  settle_pages(vm, vm->committing ? vm->active_pt : vm->backup_pt);
  settle_spaces(vm);
  settle_lists(vm);
  threads_settle(vm);
  vm->tasks_changed |= TASKS_CHANGED; /* no part of the ready table is known to be equal */
  if (vm->committing) {
    checkpoint_vm_state(vm);
    stores_in_order();
    vm->committing = false;
  }
  if (vm->config->standby != NULL) {
    standby_image_loaded(vm);
  }
  return true;
}
