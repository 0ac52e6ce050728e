/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory of a guest as seen by the VMM on behalf of a call (invariants 2 and 4): checked against the guest's own
 * tables and the caller's windows, never through the guest's addresses, so a bad pointer cannot fault the VMM.
 */
#ifndef CORE_GUEST_ACCESS_H
#define CORE_GUEST_ACCESS_H

#include "core/vm.h"

/* May the running thread of vm read (write) all of [va, va + n)? */
bool guest_may_read(struct vm *vm, uint32_t va, uint32_t n);
bool guest_may_write(struct vm *vm, uint32_t va, uint32_t n);

/* Copy between the VMM and the guest; false, and nothing copied, if the range is not wholly accessible. */
bool guest_read(struct vm *vm, void *dst, uint32_t va, uint32_t n);
bool guest_write(struct vm *vm, uint32_t va, const void *src, uint32_t n);

#endif
