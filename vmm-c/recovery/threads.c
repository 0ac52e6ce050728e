/* SPDX-License-Identifier: Apache-2.0 */
#include "recovery/threads.h"

#include "arch/armv7/cp15.h"
#include "core/recovery.h"
#include "lib/string.h"
#include "recovery/pages.h"

/* An image that no checkpoint holds. */
static image_t spare(const struct thread *thread) {
  image_t first = context_image(&thread->frames[0]);
  image_t size = (image_t)sizeof(struct context);
  image_t a = thread->task_saved;
  image_t b = vm_image(thread);
  if (a == b) {
    return a == first ? first + size : first;
  }
  return 3u * first + 3u * size - a - b; /* the sum of all three without the two */
}

void threads_reset_images(struct vm *vm) {
  vm->threads_dirty = 0;
  vm->unsaved = 1;
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    struct thread *thread = &vm->threads[t];
    thread->park = spare(thread);
    thread->unsaved = 1;
  }
}

void threads_settle(struct vm *vm) {
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    vm->threads[t].park = spare(&vm->threads[t]);
    vm->threads[t].unsaved = 1;
  }
  vm->threads_dirty = (1u << THREAD_COUNT) - 1u;
  vm->unsaved = 1;
}

void thread_unshare(struct vm *vm, struct thread *thread) {
  if (thread->frame == thread->task_saved || thread->frame == vm_image(thread)) {
    context_copy(image_context(thread->park), thread_frame(thread));
    thread->frame = thread->park;
    vm->threads_dirty |= thread_bit(vm, thread);
  }
}

struct context *recovery_edit_kernel(struct vm *vm) {
  if (vm->tracked) {
    thread_unshare(vm, vm->kernel);
  }
  return thread_frame(vm->kernel);
}

/* Take the checkpoint of a stopped task along to another image, and leave the VM's where it is. */
static void move_checkpoint(struct vm *vm, struct thread *thread) {
  image_t saved = thread->frame;
  thread_unshare(vm, thread);
  thread->task_saved = thread->frame;
  thread->vm_saved = saved;
  thread->park = spare(thread);
}

/*
 * What the VMM writes into a stopped task is part of that task's checkpoint, but not of the VM's older one. It is part of
 * none for the task that the kernel works for, whose slice goes on.
 */
struct context *recovery_edit_frame(struct vm *vm, struct thread *thread) {
  if (vm->tracked) {
    vm->unsaved = 1;
    if (thread == vm->owner || thread->frame != thread->task_saved) {
      thread_unshare(vm, thread);
    } else if (thread->vm_saved == 0) {
      move_checkpoint(vm, thread);
    }
  }
  return thread_frame(thread);
}

struct vfp_context *thread_vfp_slot(struct vm *vm, struct thread *thread) {
  if (thread->vfp_active == thread->vfp_task_saved || thread->vfp_active == thread->vfp_vm_saved) {
    thread->vfp_active = (uint8_t)first_free(1u << thread->vfp_task_saved | 1u << thread->vfp_vm_saved);
  }
  return &vm->vfp[thread_number(vm, thread)][thread->vfp_active];
}

void thread_commit(struct thread *thread) {
  if (thread->vm_saved == 0 && thread->task_saved != thread->frame) {
    thread->vm_saved = thread->task_saved;
  }
  thread->task_saved = thread->frame;
  thread->park = spare(thread);
  thread->vfp_task_saved = thread->vfp_active;
  thread->impure = 0;
}

void threads_commit(struct vm *vm) {
  uint32_t mask = changed_threads(vm);
  vm->generations.threads_changed |= mask;
  while (mask != 0) {
    struct thread *thread = &vm->threads[take_bit(&mask)];
    thread->vm_saved = 0;
    thread->task_saved = thread->frame;
    thread->park = spare(thread);
    thread->vfp_task_saved = thread->vfp_active;
    thread->vfp_vm_saved = thread->vfp_active;
    thread->impure = 0;
    thread->unsaved = 1; /* its next leaving must put it into threads_dirty */
  }
  vm->threads_dirty = 0;
}
