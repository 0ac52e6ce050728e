/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rollback (R25..R30): exchange the tables, so that the last checkpoint is active, and make the exchanged-away ones
 * the new backup by pointing the entries of the dirty pages at the same frames. No memory is copied.
 */
#include "core/channel.h"
#include "core/outside.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "core/switch.h"
#include "lib/string.h"
#include "recovery/checkpoint.h"
#include "recovery/pages.h"
#include "recovery/threads.h"

/* The table that was active becomes equal to the one that is now: they differ in the pages of the list. */
static uint32_t renew_task_backup(struct page_list *list, uint32_t *was, const uint32_t *is) {
  uint32_t exchanged = list->count;
  for (const uint32_t *id = list->pages, *end = id + exchanged; id != end; id++) {
    uint32_t page = (*id & 0x3ffu) >> 2;
    was[page] = is[page];
  }
  list->count = list->permanent;
  return exchanged;
}

static void exchange_task(struct vm *vm, unsigned task, struct vmi_fault *record) {
  struct page_list *list = &vm->task_dirty[task];
  uint32_t was = vm->active_pt[WINDOW_TASK + task];
  uint32_t is = vm->task_backup_pt[task];
  vm->active_pt[WINDOW_TASK + task] = is;
  tlb_forget_space(vm->asid);
  record->old_table = was;
  record->new_table = is;
  record->pages = renew_task_backup(list, l2_table(was), l2_table(is));
  stores_in_order(); /* until here the backup is the table that is active already: the other one was no checkpoint */
  vm->task_backup_pt[task] = was;
  if (list->permanent == 0) {
    vm->tasks_dirty &= ~(1u << task);
  }
}

void recovery_rollback_task(struct vm *vm, unsigned task, struct vmi_fault *record) {
  struct thread *thread = &vm->threads[task];
  if (vm->tasks_written != 0) {
    checkpoint_refresh(vm, task);
  }
  exchange_task(vm, task, record);
  thread_rollback(thread);
  thread->unsaved = 1;
  vm->unsaved = 1;
  if (vm->owner == thread) {
    vm->thread_id = thread_frame(thread)->tpidrurw;
    if (vm == current_vm) {
      vfp_set_enabled(false);
      write_tpidrurw(vm->thread_id);
    }
  }
  vm->counters.task_rollbacks++;
  thread->rollbacks++;
}

/*
 * After the exchange of the spaces: all tables of a window say the same of each page that differed. They lie together
 * (vm_memory.h), so it does not matter which of them is which.
 */
static uint32_t renew_backups(struct vm *vm) {
  uint32_t exchanged = vm->dirty.count;
  for (const uint32_t *id = vm->dirty.pages, *end = id + exchanged; id != end; id++) {
    const uint32_t *active = entry_in(vm->active_pt, *id);
    uint32_t entry = *active;
    uint32_t *tables = (uint32_t *)((uintptr_t)active & ~(uintptr_t)WINDOW_TABLES_MASK);
    tables[0] = entry;
    tables[L2_ENTRIES] = entry;
    tables[2u * L2_ENTRIES] = entry;
  }
  vm->dirty.count = vm->dirty.permanent;
  vm->shared_open.count = 0;
  return exchanged;
}

void drop_task_lists(struct vm *vm) {
  uint32_t kept = 0;
  for (uint32_t mask = vm->tasks_dirty; mask != 0;) {
    unsigned task = take_bit(&mask);
    struct page_list *list = &vm->task_dirty[task];
    list->count = list->permanent;
    if (list->count != 0) {
      kept |= 1u << task;
    }
  }
  vm->tasks_dirty = kept;
  vm->tasks_written = 0;
}

/* backup_pt names the checkpoint all the time: it stays what it is until the other space says the same of each page. */
static void activate_backup(struct vm *vm) {
  uint32_t *restored = vm->backup_pt;
  vm->active_pt = restored;
  vm->ttbr0 = ttbr0_of(restored);
  vm->asid ^= 1u;
  tlb_forget_space(vm->asid);
}

/*
 * Interrupts raised since the checkpoint stay raised, and those that the guest may have taken since are raised again (the
 * timer's by sched_timer_restored): one too many is harmless, one too few is a hang.
 */
static void restore_vcpu(struct vm *vm) {
  uint32_t channels = (1u << channel_count(vm->index)) - 1u;
  vm->saved.vcpu.irq_pending |= vm->vcpu->irq_pending | VMI_IRQ_CONSOLE | VMI_IRQ_CHANNEL(0) * channels;
  *vm->vcpu = vm->saved.vcpu;
}

static void restore_tasks(struct vm *vm) {
  if (vm->tasks_changed) {
    ready_copy(&vm->tasks, &vm->saved.tasks);
    vm->starts_lost |= vm->tasks_changed;
    vm->tasks_changed = 0;
  } else {
    ready_copy_hot(&vm->tasks, &vm->saved.tasks);
  }
}

static void restore_threads(struct vm *vm) {
  for (uint32_t mask = changed_threads(vm); mask != 0;) {
    struct thread *thread = &vm->threads[take_bit(&mask)];
    image_t saved = vm_image(thread);
    uint8_t vfp_saved = thread->vfp_vm_saved;
    thread->unsaved = 1;
    thread->frame = saved;
    thread->impure = 0;
    thread->task_saved = saved;
    thread->vm_saved = 0;
    thread->vfp_active = vfp_saved;
    thread->vfp_task_saved = vfp_saved;
  }
  vm->threads_dirty = 0;
}

static void restore_timer(struct vm *vm) {
  if ((vm->state.timer_period | vm->saved.state.timer_period) == 0) {
    vm->state = vm->saved.state;
    return;
  }
  sched_timer_set_aside(vm);
  vm->state = vm->saved.state;
  sched_timer_restored(vm);
}

static void restore_state(struct vm *vm) {
  restore_threads(vm);
  vm->thread = vm->saved.thread;
  vm->owner = vm->saved.owner;
  vm->thread_id = thread_frame(vm->owner)->tpidrurw;
  if (vm_in_kernel(vm)) {
    vm->owner->impure = 1; /* as at the checkpoint */
  }
  restore_vcpu(vm);
  restore_tasks(vm);
  if (vm->outside != 0) {
    outside_rollback(vm);
  }
  restore_timer(vm);
  vm->unsaved = 1;
}

void recovery_rollback_vm(struct vm *vm, struct vmi_fault *record) {
  uint32_t *was = vm->active_pt;
  activate_backup(vm);
  record->old_table = (uint32_t)(uintptr_t)was;
  record->new_table = (uint32_t)(uintptr_t)vm->active_pt;
  record->pages = renew_backups(vm);
  stores_in_order();
  vm->backup_pt = was;
  drop_task_lists(vm);
  restore_state(vm);
  if (channel_count(vm->index) != 0) {
    vm_channels_map(vm);
  }
  vm->counters.vm_rollbacks++;
  if (vm == current_vm) {
    vfp_set_enabled(false);
    vm_enter(vm);
    if (!vm->state.waiting) { /* who runs and does not wait is ready */
      return;
    }
  }
  sched_update(vm);
}
