/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checkpoints (R19..R24). A commit makes the present state the one that a rollback returns to. Pages are armed
 * (undo log), or copied (eager, full). Cost: O(pages written since the last one) + the copies.
 */
#ifndef RECOVERY_CHECKPOINT_H
#define RECOVERY_CHECKPOINT_H

#include "core/vm.h"

/* Memory and registers of one task. The task's registers must be in its frame. */
void checkpoint_task(struct vm *vm, unsigned task);

/* What the kernel wrote into a task that has not run since its checkpoint belongs to that checkpoint (invariant 4). */
void checkpoint_refresh(struct vm *vm, unsigned task);

/* The whole VM, with all its tasks. The registers of all threads must be in their frames. */
void checkpoint_vm(struct vm *vm);

/* Another task's turn begins without a checkpoint: its writes to shared pages must be seen all the same (D6). */
void checkpoint_arm_shared(struct vm *vm);

/* The part of both that is not memory, for the state as it is now. */
void checkpoint_vm_state(struct vm *vm);

#endif
