/* SPDX-License-Identifier: Apache-2.0 */
#include "recovery/checkpoint.h"

#include "core/outside.h"
#include "core/recovery.h"
#include "core/standby.h"
#include "lib/string.h"
#include "recovery/generations.h"
#include "recovery/objects.h"
#include "recovery/pages.h"
#include "recovery/sums.h"
#include "recovery/threads.h"

const uint32_t recovery_frames = 3;

#define COPY_UNIT 32u /* bytes: of words_copy */

/* First live byte of a page whose thread has the stack pointer sp; what lies below SP is dead (AAPCS 6.2.1.1). */
static uint32_t live_offset(uint32_t record, uint32_t id, uint32_t sp) {
  uint32_t va = page_va(id);
  if ((record & PAGE_STACK) == 0 || sp <= va || sp / SECTION_SIZE != va / SECTION_SIZE) {
    return 0;
  }
  return sp - va >= PAGE_SIZE ? PAGE_SIZE : (sp - va) & ~(COPY_UNIT - 1u);
}

/* Copy the live part of an eager page into the frame that neither runs nor belongs to the VM's checkpoint. */
static uint32_t copy_eager(struct vm *vm, uint32_t record, uint32_t active, uint32_t backup, uint32_t offset) {
  uint32_t from = pte_frame(active);
  uint32_t to = spare_frame(record, from, pte_frame(backup));
  if ((record & PAGE_SUMMED) != 0) {
    sum_note(vm, to, from, offset);
  }
  words_copy((uint32_t *)(uintptr_t)(to + offset), (const uint32_t *)(uintptr_t)(from + offset), PAGE_SIZE - offset);
  vm->counters.saved_pages++;
  return pte_arm(to | PTE_GUEST | PTE_XN); /* as of every page that has a record */
}

/* Shared pages are armed whenever another task's turn begins, to learn which task writes them (D6). */
static void arm_shared(struct vm *vm) {
  for (uint32_t i = 0; i < vm->shared_open.count; i++) {
    uint32_t *active = entry_in(vm->active_pt, vm->shared_open.pages[i]);
    *active = pte_arm(*active);
  }
  vm->shared_open.count = 0;
}

void checkpoint_arm_shared(struct vm *vm) {
  if (vm->shared_open.count != 0) {
    arm_shared(vm);
    tlb_forget_space(vm->asid);
  }
}

/* The entries of one page in the tables of its window. An open stack page with nothing alive in it stays as it is. */
static void commit_eager_page(struct vm *vm, uint32_t record, uint32_t offset, uint32_t *active, uint32_t *task_backup,
                              uint32_t *backup) {
  bool same = pte_frame(*backup) == pte_frame(*active);
  if (offset == PAGE_SIZE && !same) {
    return;
  }
  *task_backup = copy_eager(vm, record, *active, *backup, offset);
  if (same) { /* after a rollback: the copy serves both checkpoints, the frame that is opened none */
    *backup = *task_backup;
  }
  *active = pte_open(*active);
}

static void commit_task_pages(struct vm *vm, unsigned task) {
  struct page_list *list = &vm->task_dirty[task];
  uint32_t *active = l2_table(vm->active_pt[WINDOW_TASK + task]);
  uint32_t *backup = l2_table(vm->backup_pt[WINDOW_TASK + task]);
  uint32_t *task_backup = l2_table(vm->task_backup_pt[task]);
  uint32_t sp = thread_frame(&vm->threads[task])->r[13];
  uint32_t *kept = list->pages;
  for (const uint32_t *id = list->pages, *end = id + list->count; id != end; id++) {
    uint32_t n = (*id & 0x3ffu) >> 2;
    uint32_t record = vm->pages[WINDOW_TASK + task][n];
    if ((record & PAGE_EAGER) == 0) {
      active[n] = pte_arm(active[n]);
      task_backup[n] = active[n];
    } else {
      commit_eager_page(vm, record, live_offset(record, *id, sp), &active[n], &task_backup[n], &backup[n]);
      *kept++ = *id;
    }
  }
  list->count = (uint32_t)(kept - list->pages);
  if (list->count == 0) {
    vm->tasks_dirty &= ~(1u << task);
  }
  vm->tasks_written &= ~(1u << task);
}

void checkpoint_task(struct vm *vm, unsigned task) {
  commit_task_pages(vm, task);
  arm_shared(vm);
  tlb_forget_space(vm->asid);
  thread_commit(&vm->threads[task]);
}

void checkpoint_refresh(struct vm *vm, unsigned task) {
  const struct thread *thread = &vm->threads[task];
  if ((vm->tasks_written >> task & 1u) != 0 && thread->task_saved == thread->frame) {
    checkpoint_task(vm, task);
  }
}

/* The kernel's stack is empty while a task runs (docs/vmi.md, entries). */
static uint32_t kernel_sp(struct vm *vm) {
  return vm_in_kernel(vm) ? thread_frame(vm->kernel)->r[13] : vm->stack_top;
}

/* Kernel, shared and channel pages. The first write to an eager page that tasks share must be seen (D6). */
static void commit_common_page(struct vm *vm, const struct page_ref *page) {
  if ((page->record & PAGE_EAGER) == 0) {
    *page->active = pte_arm(*page->active);
    *page->backup = *page->active;
    return;
  }
  uint32_t offset = live_offset(page->record, page->id, kernel_sp(vm));
  if (offset == PAGE_SIZE && pte_frame(*page->active) != pte_frame(*page->backup)) {
    return;
  }
  *page->backup = copy_eager(vm, page->record, *page->active, *page->backup, offset);
  *page->active = page_window(page->id) == WINDOW_KERNEL ? pte_open(*page->active) : pte_arm(*page->active);
}

/*
 * A task's pages were committed before, so the task's checkpoint is the VM's too. kept: flags of pages of which no older
 * generation wants the frame that is released. true: the page stays in the list.
 */
static bool commit_vm_page(struct vm *vm, const struct page_ref *page, uint32_t kept) {
  uint32_t was = pte_frame(*page->backup);
  if (page->task_backup != NULL) {
    *page->backup = *page->task_backup;
  } else {
    commit_common_page(vm, page);
  }
  if ((page->record & kept) == 0 && was != pte_frame(*page->backup) && was != pte_frame(*page->active)) {
    generation_keep(vm, page->id, was);
  }
  return (page->record & PAGE_EAGER) != 0 && pte_frame(*page->active) != pte_frame(*page->backup);
}

static void commit_vm_pages(struct vm *vm) {
  uint32_t count = vm->dirty.count;
  uint32_t kept = vm->generations.count != 0 ? PAGE_KEPT : ~0u;
  vm->dirty.count = 0;
  for (uint32_t i = 0; i < count; i++) {
    struct page_ref page = page_of(vm, vm->dirty.pages[i]);
    if (commit_vm_page(vm, &page, kept)) {
      dirty_add(vm, page.id);
    }
  }
}

static void save_state(struct vm *vm) {
  vm->saved.thread = vm->thread;
  vm->saved.owner = vm->owner;
  vm->saved.state = vm->state;
  vm->saved.vcpu = *vm->vcpu;
  if (vm->outside != 0) {
    outside_commit(vm);
  }
  if (vm->tasks_changed) {
    ready_copy(&vm->saved.tasks, &vm->tasks);
    vm->tasks_changed = 0;
  } else {
    ready_copy_hot(&vm->saved.tasks, &vm->tasks);
  }
}

void checkpoint_vm_state(struct vm *vm) {
  threads_commit(vm);
  save_state(vm);
  /* The task that the kernel works for and the kernel's memory belong together (D6). */
  vm->owner->impure = vm_in_kernel(vm);
}

void checkpoint_vm(struct vm *vm) {
  for (uint32_t mask = vm->tasks_dirty; mask != 0;) {
    commit_task_pages(vm, take_bit(&mask));
  }
  arm_shared(vm);
  if (vm->config->standby != NULL) {
    standby_note(vm);
  }
  vm->committing = true;
  stores_in_order();
  commit_vm_pages(vm);
  tlb_forget_space(vm->asid);
  checkpoint_vm_state(vm);
  stores_in_order();
  vm->committing = false;
}

int32_t recovery_checkpoint(struct vm *vm) {
  if (!vm->tracked || vm->run_state == VMI_VM_EMPTY) {
    return VMI_ESTATE;
  }
  struct vmi_fault what;
  if (!objects_hold(vm, &what)) { /* found when it is left next */
    return VMI_ESTATE;
  }
  checkpoint_vm(vm);
  vm->counters.checkpoints_more++;
  return VMI_OK;
}
