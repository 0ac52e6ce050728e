/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A duplicate of one VM's checkpoint in another VM, which does not run. It is made in two phases: pages go into the frames
 * that are active there, while the backup keeps the last complete duplicate; then all of it becomes the checkpoint of that
 * VM. So a rollback of that VM returns to the last complete duplicate, at any moment.
 */
#ifndef RECOVERY_DUPLICATE_H
#define RECOVERY_DUPLICATE_H

#include "core/vm.h"

/* Pages of a VM, by their id in page lists, each at most once. */
struct page_set {
  uint32_t windows; /* those that may have a page in the set */
  uint32_t pages[WINDOW_COUNT][8]; /* bit p % 32 of word p / 32 */
};

void page_set_add(struct page_set *set, uint32_t id);

/* All pages that the guest of `vm` can write. */
void page_set_fill(struct page_set *set, const struct vm *vm);

/* Takes one page out of the set; false: there is none. */
bool page_set_take(struct page_set *set, uint32_t *id);

/* Phase 1: a page of the checkpoint of `from`. Both VMs have it, at the same address. */
void duplicate_page(const struct vm *from, struct vm *to, uint32_t id);

/*
 * Phase 2: the pages that came since the last time, and where the primary has read its input up to, are the checkpoint of
 * `to` now. all: registers, vCPU page, timer, ready table and who runs as well; both VMs have the same guest.
 */
void duplicate_commit(const struct vm *from, struct vm *to, bool all);

#endif
