/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums of backups (D7), of VMs with policy.checksum: every frame that a checkpoint keeps besides the active one gets one
 * before an entry names it, and keeps it as long as it is a backup, whichever tables or generations it goes through. Each is
 * verified before a rollback uses it.
 */
#ifndef RECOVERY_SUMS_H
#define RECOVERY_SUMS_H

#include "core/vm.h"

/* `frame` is going to be a backup, with what the frame `content` has from byte `from` on. Of a page that is PAGE_SUMMED. */
__attribute__((cold)) void sum_note(struct vm *vm, uint32_t frame, uint32_t content, uint32_t from);

/* The content of a backup is what it was. */
__attribute__((cold)) bool sum_holds(const struct vm *vm, uint32_t frame);

/* All backups of the VM's checkpoint are what they were, or have no checksums. Relies on no list. */
__attribute__((cold)) bool sums_hold(const struct vm *vm);

#endif
