/* SPDX-License-Identifier: Apache-2.0 */
/* Images of thread registers: which one is in use, which ones checkpoints hold (D4). */
#ifndef RECOVERY_THREADS_H
#define RECOVERY_THREADS_H

#include "arch/armv7/cp15.h"
#include "core/vm.h"

/* All threads of a VM whose image was just loaded. */
void threads_reset_images(struct vm *vm);

/* The VMM is going to change registers of a thread that no checkpoint may get: move on to an image that none holds. */
void thread_unshare(struct vm *vm, struct thread *thread);

/* After a fault of the VMM: any thread may differ from its checkpoint, and none is parked in one. */
void threads_settle(struct vm *vm);

/* Where the thread's VFP registers go when it is left. */
struct vfp_context *thread_vfp_slot(struct vm *vm, struct thread *thread);

/* The registers as they are now become those of the task's checkpoint. */
void thread_commit(struct thread *thread);

/* Back to the registers of the task's checkpoint. */
static inline void thread_rollback(struct thread *thread) {
  thread->frame = thread->task_saved;
  thread->vfp_active = thread->vfp_task_saved;
  thread->impure = 0;
}

/* The image of the VM's checkpoint. */
static inline image_t vm_image(const struct thread *thread) {
  return thread->vm_saved != 0 ? thread->vm_saved : thread->task_saved;
}

/* Threads whose registers may differ from the VM's checkpoint: who runs is not in threads_dirty yet. */
static inline uint32_t changed_threads(const struct vm *vm) {
  return vm->threads_dirty | thread_bit(vm, vm->owner) | 1u << KERNEL_THREAD;
}

/* Takes one bit out of a mask of threads or tasks, which is not 0, and returns its number. */
static inline unsigned take_bit(uint32_t *mask) {
  unsigned number = 31u - count_leading_zeros(*mask);
  *mask ^= 1u << number;
  return number;
}

/* The registers of all threads as they are now become those of the VM's checkpoint. */
void threads_commit(struct vm *vm);

#endif
