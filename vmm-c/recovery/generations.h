/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Older generations (D7). A promotion declares the VM's checkpoint, as it is, to be the youngest older generation, too. No page
 * is copied then: a commit that would release the backup frame of a page for the first time since leaves that frame to it. A
 * page without such a frame is the same as in the next younger generation, and at last as in the VM's checkpoint.
 *
 * So a generation costs O(pages written since the promotion), and nothing is added to the fast paths: they change registers
 * only, and those are copied at the promotion.
 */
#ifndef RECOVERY_GENERATIONS_H
#define RECOVERY_GENERATIONS_H

#include "core/vm.h"

/* The n-th older generation: 0 is the youngest. n < config->generations */
struct generation *generation_at(const struct vm *vm, uint32_t n);

/* The VM's checkpoint has another frame of the page, which is not PAGE_KEPT, now; `frame` was its own. */
void generation_keep(struct vm *vm, uint32_t id, uint32_t frame);

/* The VM's checkpoint, as it is, becomes the youngest generation; the oldest goes, if all are in use. config->generations > 0 */
void generation_promote(struct vm *vm);

/* The VM's checkpoint becomes equal to the youngest generation. May be done again if it was interrupted. */
void generation_take(struct vm *vm);

/* All that recovery_older_generation does before the rollback: the youngest generation is the checkpoint then, and no older one. */
void generation_go_back(struct vm *vm);

/* There is no older generation any more. Believes nothing of what an interrupted function may have left half done. */
void generations_forget(struct vm *vm);

#endif
