/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of a VM: partition, tables, frames, loading of the pristine image. */
#ifndef CORE_VM_MEMORY_H
#define CORE_VM_MEMORY_H

#include "core/vm.h"

/*
 * Flags in the low bits of a page_t (frames are page-aligned). How the page is saved, which never changes; then which of its
 * frames older generations hold, and whether the youngest of them holds one.
 */
#define PAGE_SUMMED 0x001u /* its backups have checksums (recovery/sums.h) */
#define PAGE_PERSISTENT 0x002u /* saved like any other, but a part of it may be duplicated alone (recovery/standby.c) */
#define PAGE_EAGER 0x004u /* copied at every checkpoint, not armed */
#define PAGE_FULL 0x008u /* copied even if it was not written */
#define PAGE_STACK 0x010u /* of an eager page only what lies above SP */
#define PAGE_HELD_SHIFT 5
#define PAGE_HELD(frame) (1u << PAGE_HELD_SHIFT << (frame))
#define PAGE_KEPT 0x800u

/*
 * The tables of a window of a fault-tolerant VM lie together, in one page: three second-level tables, of which the
 * first-level tables and task_backup_pt say which is active and which is a backup, then the page records. So the entries
 * of a page in all of them, and its record, have the same offset in their quarter.
 */
#define WINDOW_TABLES_SIZE 0x1000u
#define WINDOW_TABLES_MASK 0xc00u

/*
 * Build all tables of the VM for vm->guest and load the image; the partition is used from its start. With keep_persistent
 * persistent memory is left as it is; the VM must have had this guest before, and vm_persistent_settle been called.
 */
__attribute__((cold)) void vm_memory_build(struct vm *vm, bool keep_persistent);

/* Take the persistent memory of the VM's checkpoint to where the next vm_memory_build expects it. The VM can't run on. */
__attribute__((cold)) void vm_persistent_settle(struct vm *vm);

/* Connect the channel pages of vm and its peers; again after a rollback, a restart or a destruction of either side. */
void vm_channels_map(struct vm *vm);

/* Load the writable segments of a window again: a write like any other, so checkpoints keep what they hold. */
void vm_memory_reload(struct vm *vm, unsigned window);

/* Of the two first-level tables of a fault-tolerant VM, which lie one behind the other, the first, and its ASID. */
uint32_t *vm_first_space(const struct vm *vm);

static inline uint32_t vm_first_asid(const struct vm *vm) {
  return (uint32_t)(vm - vms + 1) * 2u; /* not by its number, which a take-over by a standby changes */
}
/* The peer sees the out page of channel c as it is now. For VMs with channel_seen. */
void vm_channel_show(const struct vm *vm, unsigned c);

/* What the layout of a partition follows from. A guest has the window; pages in it (WINDOW_COUNT: in all) that it may write. */
bool vm_has_window(const struct guest_config *guest, unsigned window);
uint32_t vm_writable_pages(const struct guest_config *guest, unsigned window);

/* Bytes of all frames of a page that the VM may write. */
uint32_t vm_frames_size(const struct vm *vm);

/* Flags of the records of a writable segment's pages, and those that all records of a VM have. */
uint32_t vm_page_flags(const struct segment_config *segment);
static inline uint32_t vm_common_flags(const struct vm *vm) {
  return vm->sums != NULL ? PAGE_SUMMED : 0u;
}

/* Bytes of the table of checksums that `guest` needs; 0: it has none. */
__attribute__((cold)) uint32_t vm_sums_size(const struct vm_config *config, const struct guest_config *guest);

/* Second-level entry of va in the space l1, or NULL: no window there. */
uint32_t *vm_entry(const uint32_t *l1, uint32_t va);

#endif
