/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A standby VM (Son 2022): the committed checkpoint of another VM, the primary, is duplicated into its memory on schedule;
 * when the primary fails for good, the standby takes its place. Two implementations, as for core/recovery.h.
 */
#ifndef CORE_STANDBY_H
#define CORE_STANDBY_H

#include "core/vm.h"

static inline bool vm_is_primary(const struct vm *vm) {
  return vm->config->standby != NULL && vm->config->standby->primary == vm->index;
}

static inline bool vm_is_standby(const struct vm *vm) {
  return vm->config->standby != NULL && vm->config->standby->standby == vm->index;
}

/* Go on with the duplications that are due: at most a few pages of each pair (docs/recovery.md, standby). */
void standby_duplicate(void);

/* The checkpoint of `vm`, which belongs to a pair, changes in the pages in vm->dirty. */
void standby_note(const struct vm *vm);

/* The image of `vm`, which belongs to a pair, was loaded anew: everything of it must be duplicated again. */
void standby_image_loaded(const struct vm *vm);

/* The console starts `vm` anew: what its standby has belongs to a former life. Nothing happens to a VM without standby. */
void standby_forget(const struct vm *vm);

/* Has `vm` a standby with a complete duplicate of it? */
bool standby_is_whole(const struct vm *vm);

/*
 * The primary is stopped, and its standby goes on in its place. From then on the primary's number, name, console, channels and
 * priority are those of another struct vm, and `primary` has the number of the standby; it can be started as such.
 * *record gets the tables and pages exchanged. false: no standby, or it is not whole; then nothing has changed.
 */
bool standby_take_over(struct vm *primary, struct vmi_fault *record);

/* What VMI_VM_INFO says about the pair of `vm`. */
void standby_describe(const struct vm *vm, struct vmi_pair *info);

#endif
