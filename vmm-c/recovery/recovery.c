/* SPDX-License-Identifier: Apache-2.0 */
/* First checkpoint of a VM and of a task, and the level at which a fault may be recovered. */
#include "core/recovery.h"

#include "core/standby.h"
#include "recovery/checkpoint.h"
#include "recovery/pages.h"
#include "recovery/schedule.h"
#include "recovery/threads.h"

/* A page that is copied whether it was written or not is in its lists for ever. */
static void list_page(struct vm *vm, uint32_t id) {
  uint32_t window = page_window(id);
  dirty_add(vm, id);
  vm->dirty.permanent++;
  if (is_task_window(window)) {
    unsigned task = window - WINDOW_TASK;
    list_add(&vm->task_dirty[task], id);
    vm->task_dirty[task].permanent++;
    vm->tasks_dirty |= 1u << task;
  }
}

void for_each_page(struct vm *vm, uint32_t flags, void (*visit)(struct vm *vm, uint32_t id)) {
  for (uint32_t window = 0; window < WINDOW_COUNT; window++) {
    const page_t *records = vm->pages[window];
    for (uint32_t page = 0; records != NULL && page < L2_ENTRIES; page++) {
      if ((records[page] & flags) != 0) {
        visit(vm, page_id(window, page));
      }
    }
  }
}

/* Pages that are copied at each checkpoint are writable from the start, with their pristine content saved. */
static void open_page(struct vm *vm, uint32_t id) {
  recovery_first_write(vm, page_va(id));
}

void recovery_schedules_begin(struct vm *vm) {
  schedule_begin(&vm->config->schedule, &vm->saves_due, &vm->saved_at);
  for (unsigned task = 0; task < vm->guest->task_count; task++) {
    schedule_begin(task_schedule(vm, task), &vm->threads[task].saves_due, &vm->task_saved_at[task]);
  }
}

void recovery_reset(struct vm *vm) {
  threads_reset_images(vm);
  if (!vm->tracked) {
    return;
  }
  vm->tasks_dirty = 0;
  vm->tasks_changed = TASKS_CHANGED;
  recovery_schedules_begin(vm);
  for_each_page(vm, PAGE_FULL, list_page);
  for_each_page(vm, PAGE_EAGER, open_page);
  vm->tasks_written = 0;
  checkpoint_vm_state(vm);
  if (vm->config->standby != NULL) {
    standby_image_loaded(vm);
  }
}

void recovery_task_created(struct vm *vm, unsigned task) {
  struct thread *thread = &vm->threads[task];
  *thread_vfp_slot(vm, thread) = (struct vfp_context){0};
  schedule_begin(task_schedule(vm, task), &thread->saves_due, &vm->task_saved_at[task]);
  thread->unsaved = 1;
  vm->threads_dirty |= 1u << task;
  if (vm->tracked) {
    checkpoint_task(vm, task);
    vm->counters.task_checkpoints_more++;
  }
}

/* Between a call of the task and its result, even of a pure one, the kernel counts on the task's saved registers. */
static bool kernel_works_for(const struct vm *vm, const struct thread *thread) {
  return vm_in_kernel(vm) && vm->owner == thread && thread_in_guest_call(thread);
}

enum vmi_action recovery_level(const struct vm *vm, const struct thread *thread, uint8_t *reason) {
  if (!vm->tracked) {
    *reason = VMI_REASON_UNPROTECTED;
    return VMI_ACTION_COLD_RESTART;
  }
  if (thread == vm->kernel) {
    *reason = VMI_REASON_KERNEL_FAULT;
    return VMI_ACTION_VM_ROLLBACK;
  }
  if (thread->impure != 0 || kernel_works_for(vm, thread)) {
    *reason = VMI_REASON_SHARED_STATE;
    return VMI_ACTION_VM_ROLLBACK;
  }
  *reason = VMI_REASON_POLICY;
  return VMI_ACTION_TASK_ROLLBACK;
}
