/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rollback (R25..R30): exchange the tables, so that the last checkpoint is active, and make the exchanged-away ones
 * the new backup by pointing the entries of the dirty pages at the same frames. No memory is copied.
 */
#include "core/channel.h"
#include "core/console.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "core/switch.h"
#include "recovery/checkpoint.h"
#include "recovery/pages.h"
#include "recovery/threads.h"

/* Pages that are copied at every checkpoint whether written or not stay listed. true: keep. */
static bool stays_listed(const struct page_ref *page) {
  return (*page->record & PAGE_FULL) != 0;
}

static uint32_t renew_task_backup(struct vm *vm, unsigned task) {
  struct page_list *list = &vm->task_dirty[task];
  uint32_t exchanged = list->count;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < exchanged; i++) {
    struct page_ref page = page_of(vm, list->pages[i]);
    *page.task_backup = *page.active;
    if (stays_listed(&page)) {
      list->pages[kept++] = page.id;
    } else {
      *page.record &= ~PAGE_TASK_DIRTY;
    }
  }
  list->count = kept;
  if (kept == 0) {
    vm->tasks_dirty &= ~(1u << task);
  }
  return exchanged;
}

void recovery_rollback_task(struct vm *vm, unsigned task, struct vmi_fault *record) {
  uint32_t *entry = &vm->active_pt[WINDOW_TASK + task];
  struct thread *thread = &vm->threads[task];
  checkpoint_refresh(vm, task);
  record->old_table = *entry;
  record->new_table = vm->task_backup_pt[task];
  vm->task_backup_pt[task] = record->old_table;
  *entry = record->new_table;
  tlb_forget_space(vm->asid);
  record->pages = renew_task_backup(vm, task);
  thread_rollback(thread);
  /* Of a stopped task the image stays that of its checkpoint, too: what the VMM edits there belongs to both. */
  if (vm->state.owner == task) {
    thread_unshare(vm, thread);
    if (vm == current_vm) {
      vfp_set_enabled(false);
      thread_enter(thread);
    }
  }
  vm->kernel_changed &= ~(1u << task);
  vm->counters.task_rollbacks++;
  thread->rollbacks++;
}

static void drop_task_lists(struct vm *vm) {
  for (uint32_t mask = vm->tasks_dirty; mask != 0; mask &= mask - 1u) {
    renew_task_backup(vm, 31u - count_leading_zeros(mask & (0u - mask)));
  }
  vm->tasks_written = 0;
}

static uint32_t renew_backup(struct vm *vm) {
  uint32_t exchanged = vm->dirty.count;
  uint32_t kept = 0;
  for (uint32_t i = 0; i < exchanged; i++) {
    struct page_ref page = page_of(vm, vm->dirty.pages[i]);
    *page.backup = *page.active;
    if (page.task_backup != NULL) {
      *page.task_backup = *page.active;
    }
    *page.record &= ~PAGE_OPEN;
    if (stays_listed(&page)) {
      vm->dirty.pages[kept++] = page.id;
    } else {
      *page.record &= ~PAGE_DIRTY;
    }
  }
  vm->dirty.count = kept;
  vm->shared_open.count = 0;
  return exchanged;
}

static void exchange_spaces(struct vm *vm) {
  uint32_t *restored = vm->backup_pt;
  vm->backup_pt = vm->active_pt;
  vm->active_pt = restored;
  vm->asid ^= 1u;
  tlb_forget_space(vm->asid);
}

/*
 * Interrupts raised since the checkpoint stay raised, and those that the guest may have taken since are raised again (the
 * timer's by sched_timer_restored): one too many is harmless, one too few is a hang.
 */
static void restore_vcpu(struct vm *vm) {
  uint32_t lines = vm->vcpu->irq_pending | VMI_IRQ_CONSOLE;
  for (unsigned c = 0; c < channel_count(vm->index); c++) {
    lines |= VMI_IRQ_CHANNEL(c);
  }
  *vm->vcpu = vm->saved_vcpu;
  vm->vcpu->irq_pending |= lines;
}

static void restore_state(struct vm *vm) {
  threads_rollback(vm);
  vm->state = vm->saved_state;
  restore_vcpu(vm);
  vm->tasks = vm->saved_tasks;
  vm->tasks_changed = false;
  console_input_rewind(vm->index, vm->saved_input);
  checkpoint_vm_state(vm);
  sched_timer_restored(vm);
  sched_update(vm);
}

void recovery_rollback_vm(struct vm *vm, struct vmi_fault *record) {
  record->old_table = (uint32_t)(uintptr_t)vm->active_pt;
  exchange_spaces(vm);
  record->new_table = (uint32_t)(uintptr_t)vm->active_pt;
  record->pages = renew_backup(vm);
  drop_task_lists(vm);
  restore_state(vm);
  vm_channels_map(vm);
  if (vm == current_vm) {
    vfp_set_enabled(false);
    vm_enter(vm);
  }
  vm->counters.vm_rollbacks++;
}
