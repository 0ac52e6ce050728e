/* SPDX-License-Identifier: Apache-2.0 */
/* What a fault status alone does not say about an abort of a guest. */
#ifndef CORE_FAULT_REFINE_H
#define CORE_FAULT_REFINE_H

#include "core/vm.h"

/*
 * Completes the record of an abort that the running thread of vm took, whose class had FAULT_REFINE (which is taken away):
 *   the guard below its own stack              VMI_CLASS_STACK
 *   a jump to memory that is not executable    VMI_CLASS_EXECUTE
 *   an asynchronous abort                      VMI_FAULT_ASYNC, without pc and address (ARM ARM B1.8.7)
 *   a debug event                              the address is the pc: FAR is unknown (ARM ARM B3.13.2)
 * Returns who is at fault: that thread (D1), but for an asynchronous abort, which tells nothing about a thread, the VM.
 */
struct thread *fault_refine(const struct vm *vm, struct vmi_fault *record);

#endif
