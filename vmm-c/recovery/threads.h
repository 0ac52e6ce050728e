/* SPDX-License-Identifier: Apache-2.0 */
/* Images of thread registers: which one is in use, which ones checkpoints hold (D4). */
#ifndef RECOVERY_THREADS_H
#define RECOVERY_THREADS_H

#include "core/vm.h"

/* All threads of a VM whose image was just loaded. */
void threads_reset_images(struct vm *vm);

/* The VMM is going to change registers of a thread that no checkpoint may get: move on to an image that none holds. */
void thread_unshare(struct vm *vm, struct thread *thread);

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

/* The same for the VM's checkpoint and all threads that ran since. */
void threads_commit(struct vm *vm);
void threads_rollback(struct vm *vm);

#endif
