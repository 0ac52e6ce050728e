/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the VMM's records of a VM can be believed after a fault of the VMM. The layout of a partition follows from the
 * configuration alone (core/vm_memory.c), so nearly everything has one right value, or one of three.
 */
#ifndef CORE_VM_CHECK_H
#define CORE_VM_CHECK_H

#include "core/vm.h"

/*
 * All that recovery_complete and recovery_rollback_vm rely on, of a fault-tolerant VM that is not EMPTY: tables (each entry in
 * its page's own frames, flags legal, nothing else mapped), page records, lists, images of registers (USR mode), ready table.
 * vm->index, config and guest are right already.
 */
__attribute__((cold)) bool vm_is_sound(const struct vm *vm);

/* The part of it that is memory: tables, page records, where the lists lie. */
__attribute__((cold)) bool vm_memory_is_sound(const struct vm *vm);

#endif
