/* SPDX-License-Identifier: Apache-2.0 */
/* What a rollback must give back, and the state of the tables that must hold at every moment. */
#ifndef FAKES_MODEL_RESTORE_H
#define FAKES_MODEL_RESTORE_H

#include "model.h"

/* The kernel's registers after the VMM entered it, which the model does not predict one by one. */
void model_take_kernel(struct vm *vm);

/*
 * Registers of thread t. While the kernel works for a task the thread-ID register is that task's, and what the kernel's image
 * says of it is of no account.
 */
bool model_registers_equal(unsigned saved_owner, unsigned t, const struct context *a, const struct context *b);

/* Remember where each page's frames are: they are never exchanged for others. */
void model_note_frames(struct vm *vm);

/* D9: what a checkpoint lets out, what a rollback takes back, and that nothing else has left. */
void model_outside_commit(struct vm *vm);
void model_outside_rollback(struct vm *vm);
void model_check_output(const struct vm *vm);

/* A bell of channel 0 is heard by VM `vm`. */
void model_bell_heard(unsigned vm);

/* What the kernel wrote into a stopped task belongs to the task's checkpoint. */
void model_refresh_stopped(struct vm *vm, unsigned task);

/* The present state becomes the checkpoint of the VM. */
void model_checkpoint_vm(struct vm *vm);

/* First byte of a page that a checkpoint with this stack pointer keeps: below SP an eager stack is dead (AAPCS 6.2.1.1). */
uint32_t model_first_live(unsigned page, uint32_t sp);

/* A checkpoint of the VM is taken: what was raised before it was raised since each older one. */
void model_note_raised(struct model *m);

/* Promote the VM's checkpoint. */
void model_promote(struct vm *vm);

/* The youngest older generation is the checkpoint of the VM from now on. */
void model_take_older(struct model *m);

/* Invariants of the frames, lists and registers of older generations (recovery/generations.h). */
void model_check_generations(const struct vm *vm);

/* The checksums of a page's backups, if the VM has any, are right, and find each flip of a bit. */
void model_check_sums(const struct vm *vm, unsigned page);

/* Invariants of entries, records, lists and images of vm (pages.h). */
void model_check_tables(struct vm *vm);

#endif
