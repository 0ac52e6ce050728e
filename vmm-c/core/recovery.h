/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the core needs of fault tolerance. Two implementations, chosen when the image is linked: recovery/ and,
 * with fault_tolerance = false, plain/ (invariant 6: without it no instruction of it is on any path).
 */
#ifndef CORE_RECOVERY_H
#define CORE_RECOVERY_H

#include "core/vm.h"

/* Frames per writable page: the active one and its twins, without those of older generations; 1 without fault tolerance. */
extern const uint32_t recovery_frames;

/* Does a VM of this configuration have checkpoints? */
static inline bool recovery_protects(const struct vm_config *config) {
  return config->fault_tolerant && recovery_frames > 1u;
}

/* The image of `vm` was just loaded: it becomes the first checkpoint (invariant 3). */
void recovery_reset(struct vm *vm);

/*
 * The guest was refused a write to va. true: the page was armed; its pre-image is saved now and the write may be
 * repeated. false: it is a real fault.
 */
bool recovery_first_write(struct vm *vm, uint32_t va);

/*
 * The VMM is going to edit the saved registers of a thread: make its frame safe from older checkpoints. The second: of the
 * kernel, which belongs to no checkpoint but the VM's.
 */
struct context *recovery_edit_frame(struct vm *vm, struct thread *thread);
struct context *recovery_edit_kernel(struct vm *vm);

/* The context of `task` was set up anew: that is its checkpoint now. */
void recovery_task_created(struct vm *vm, unsigned task);

/* The lowest level at which a fault of a thread may be recovered, and why (D6). */
enum vmi_action recovery_level(const struct vm *vm, const struct thread *thread, uint8_t *reason);

/* From now on the next checkpoints of the VM and of its tasks are waited for, as the configuration says. */
void recovery_schedules_begin(struct vm *vm);

/*
 * Is what the action, one that goes back to a checkpoint of `thread` or of the VM, would bring back as it was saved? Always
 * without checksums (policy.checksum). false: *what says which page is not.
 */
__attribute__((cold)) bool recovery_backup_is_sound(struct vm *vm, unsigned thread, enum vmi_action action,
                                                    struct vmi_fault *what);

/* Roll back. *record gets the pages and tables exchanged. */
void recovery_rollback_task(struct vm *vm, unsigned task, struct vmi_fault *record);
void recovery_rollback_vm(struct vm *vm, struct vmi_fault *record);

/*
 * After a fault of the VMM, before anything else is done with any VM: finish or undo what it interrupted. true: the VM's
 * checkpoint is whole, and recovery_rollback_vm goes back to it; neither relies on the lists that were being changed. false: the VM
 * has none, since it is not protected or was being loaded; only a cold start helps.
 */
__attribute__((cold)) bool recovery_complete(struct vm *vm);

/*
 * Roll the VM back to the next older generation (D7), which then is its checkpoint: each further call goes one further back,
 * until a younger one was taken. *record as above. false: there is none, and nothing has changed.
 */
bool recovery_older_generation(struct vm *vm, struct vmi_fault *record);

/* From time to time: let the checkpoint of a VM that has run without a recovery for a while be its youngest older generation. */
void recovery_promote(void);

/*
 * Validate a part of the tables and lists that rollbacks rely on, of one VM after the other; the scrubber calls it. What
 * is wrong becomes a fault_event of class TABLE. Returns how many bytes the scrubber could have checked in the same time.
 */
uint32_t recovery_validate_step(void);

/*
 * From now on the `count` objects of the guest's table must be as they should be whenever a checkpoint is taken; 0: none
 * any more. VMI_EFAULT: the table is not constant memory of the guest; VMI_EINVAL: too many, or one of them makes no sense or is
 * broken now; VMI_ESTATE: the VM has no checkpoints.
 */
int32_t recovery_register_objects(struct vm *vm, uint32_t table, uint32_t count);

/* Checkpoint of a VM on request; VMI_ESTATE: it has none. The second: of the one whose kernel is running. */
int32_t recovery_checkpoint(struct vm *vm);
int32_t recovery_safe_point(struct vm *vm);

/* The paths that every switch takes, built from the steps in core/switch.h. */
/* Nobody is ready: leave the current VM, if there is one. */
void switch_from_vm(void);
/* The slice of the current VM is over and there is no other to switch to: it is checkpointed all the same (R19). */
void switch_slice_ended(struct vm *vm);
void switch_to_task(struct vm *vm, unsigned task);
/* The guest kernel waits for an interrupt: the task that ran last is left and checkpointed as by a switch (R20). */
void switch_to_idle(struct vm *vm);
void switch_to_kernel_call(struct vm *vm, const struct context *caller);

#endif
