/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects of a guest kernel with invariants (D7; Nam, Park 2011): checked before a checkpoint of the VM is committed, so that
 * a state which is already wrong is not saved. What they are: struct vmi_object.
 */
#ifndef RECOVERY_OBJECTS_H
#define RECOVERY_OBJECTS_H

#include "core/vm.h"

/*
 * Called when the VM is left, before its checkpoint is taken. true: all its objects are as they must be, or it has none, or
 * they could not have changed since the last time, or its kernel is in the middle of something. false: *what says which is not.
 */
bool objects_hold(struct vm *vm, struct vmi_fault *what);

#endif
