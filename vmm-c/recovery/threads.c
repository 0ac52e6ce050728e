/* SPDX-License-Identifier: Apache-2.0 */
#include "recovery/threads.h"

#include "arch/armv7/cp15.h"
#include "core/recovery.h"
#include "recovery/pages.h"

static void move_on(struct vm *vm, struct thread *thread, uint8_t next) {
  if (thread->active == thread->vm_saved) {
    vm->threads_dirty |= 1u << (unsigned)(thread - vm->threads);
  }
  thread->frame[next] = thread->frame[thread->active];
  thread->active = next;
}

void thread_unshare(struct vm *vm, struct thread *thread) {
  if (thread->active == thread->task_saved || thread->active == thread->vm_saved) {
    move_on(vm, thread, spare_image(thread->task_saved, thread->vm_saved));
  }
}

/* What the VMM writes into a stopped task is part of that task's checkpoint, but not of the VM's older one. */
struct context *recovery_edit_frame(struct vm *vm, struct thread *thread) {
  if (vm->tracked && thread->active == thread->vm_saved) {
    bool committed = thread->task_saved == thread->active;
    uint8_t next = spare_image(thread->task_saved, thread->vm_saved);
    move_on(vm, thread, next);
    if (committed) {
      thread->task_saved = next;
    }
  }
  return thread_frame(thread);
}

struct vfp_context *thread_vfp_slot(struct thread *thread) {
  if (thread->vfp_active == thread->vfp_task_saved || thread->vfp_active == thread->vfp_vm_saved) {
    thread->vfp_active = spare_image(thread->vfp_task_saved, thread->vfp_vm_saved);
  }
  return &thread->vfp[thread->vfp_active];
}

void thread_commit(struct thread *thread) {
  thread->task_saved = thread->active;
  thread->vfp_task_saved = thread->vfp_active;
}

void thread_rollback(struct thread *thread) {
  thread->active = thread->task_saved;
  thread->vfp_active = thread->vfp_task_saved;
}

static struct thread *take_thread(struct vm *vm, uint32_t *mask) {
  unsigned number = 31u - count_leading_zeros(*mask);
  *mask &= ~(1u << number);
  return &vm->threads[number];
}

void threads_commit(struct vm *vm) {
  for (uint32_t mask = vm->threads_dirty; mask != 0;) {
    struct thread *thread = take_thread(vm, &mask);
    thread_commit(thread);
    thread->vm_saved = thread->active;
    thread->vfp_vm_saved = thread->vfp_active;
  }
  vm->threads_dirty = 0;
}

void threads_rollback(struct vm *vm) {
  for (uint32_t mask = vm->threads_dirty; mask != 0;) {
    struct thread *thread = take_thread(vm, &mask);
    thread->task_saved = thread->vm_saved;
    thread->vfp_task_saved = thread->vfp_vm_saved;
    thread_rollback(thread);
  }
  vm->threads_dirty = 0;
}
