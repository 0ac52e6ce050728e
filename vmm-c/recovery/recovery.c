/* SPDX-License-Identifier: Apache-2.0 */
/* First checkpoint of a VM and of a task, and the level at which a fault may be recovered. */
#include "core/recovery.h"

#include "recovery/checkpoint.h"
#include "recovery/pages.h"
#include "recovery/threads.h"

/* Pages that are copied at each checkpoint are writable from the start, with their pristine content saved. */
static void open_eager_pages(struct vm *vm) {
  for (uint32_t window = 0; window < WINDOW_COUNT; window++) {
    for (uint32_t page = 0; vm->pages[window] != NULL && page < L2_ENTRIES; page++) {
      if ((vm->pages[window][page] & PAGE_EAGER) != 0) {
        recovery_first_write(vm, window * SECTION_SIZE + page * PAGE_SIZE);
      }
    }
  }
}

void recovery_reset(struct vm *vm) {
  if (!vm->tracked) {
    return;
  }
  vm->tasks_dirty = 0;
  vm->threads_dirty = 0;
  vm->tasks_changed = true;
  vm->saves_due = (uint16_t)vm->config->vm_period;
  open_eager_pages(vm);
  vm->tasks_written = 0;
  checkpoint_vm_state(vm);
}

void recovery_task_created(struct vm *vm, unsigned task) {
  struct thread *thread = &vm->threads[task];
  *thread_vfp_slot(thread) = (struct vfp_context){0};
  thread->saves_due = (uint16_t)vm->config->task_period;
  if (vm->tracked) {
    checkpoint_task(vm, task);
  }
}

/* Between a call of the task and its result, even of a pure one, the kernel counts on the task's saved registers. */
static bool kernel_works_for(const struct vm *vm, unsigned thread) {
  return vm_in_kernel(vm) && vm->state.owner == thread && thread_in_guest_call(&vm->threads[thread]);
}

enum vmi_action recovery_level(const struct vm *vm, unsigned thread, uint8_t *reason) {
  if (!vm->tracked) {
    *reason = VMI_REASON_UNPROTECTED;
    return VMI_ACTION_COLD_RESTART;
  }
  if (thread == KERNEL_THREAD) {
    *reason = VMI_REASON_KERNEL_FAULT;
    return VMI_ACTION_VM_ROLLBACK;
  }
  if ((vm->kernel_changed >> thread & 1u) != 0 || kernel_works_for(vm, thread)) {
    *reason = VMI_REASON_SHARED_STATE;
    return VMI_ACTION_VM_ROLLBACK;
  }
  *reason = VMI_REASON_POLICY;
  return VMI_ACTION_TASK_ROLLBACK;
}
