/* SPDX-License-Identifier: Apache-2.0 */
/* Images of thread registers: which one is active, which ones checkpoints hold (D4). */
#ifndef RECOVERY_THREADS_H
#define RECOVERY_THREADS_H

#include "core/vm.h"

/* Before a thread runs or its frame is changed: move on to an image that no checkpoint holds, with the same content. */
void thread_unshare(struct vm *vm, struct thread *thread);

/* Where the thread's VFP registers go when it is left. */
struct vfp_context *thread_vfp_slot(struct thread *thread);

/* The active images become those of the task's checkpoint. */
void thread_commit(struct thread *thread);

/* Back to the images of the task's checkpoint. */
void thread_rollback(struct thread *thread);

/* The same for the VM's checkpoint and all threads that ran since. */
void threads_commit(struct vm *vm);
void threads_rollback(struct vm *vm);

#endif
