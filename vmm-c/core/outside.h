/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a VM does that reaches beyond its memory: output, input, channels (D9, invariant 5). `outside` of a VM collects it
 * from one checkpoint to the next, so a VM that did nothing of that kind pays nothing for it.
 */
#ifndef CORE_OUTSIDE_H
#define CORE_OUTSIDE_H

#include "core/vm.h"

/* Bits of struct vm.outside */
#define OUTSIDE_OUTPUT 1u                /* text is held */
#define OUTSIDE_INPUT 2u                 /* input was read */
#define OUTSIDE_BELL(c) (0x100u << (c))  /* the doorbell of channel c is held */
#define OUTSIDE_BELLS 0xf00u
#define OUTSIDE_PAGES 0xf000u /* all of them */
#define OUTSIDE_PAGE(c) (0x1000u << (c)) /* the out page of channel c was written */

/* Nothing leaves the VM before it is checkpointed. */
static inline bool outside_is_held(const struct vm *vm) {
  return vm->tracked && vm->config->output_commit;
}

/* For the next checkpoint, or the next rollback. The fast paths do not know of it, so they must not take the checkpoint. */
static inline void outside_note(struct vm *vm, uint32_t what) {
  vm->outside |= what;
  vm->unsaved = 1;
}

/* The image was just loaded. Input that nobody has read yet is for the new life; what was read before is not read again. */
void outside_begin(struct vm *vm);

/* Input was read: for good, if the VM has no checkpoints. */
void outside_read(struct vm *vm);

/* At a checkpoint: what was held leaves, input that was read will not be read again. Only if vm->outside is not 0. */
void outside_commit(struct vm *vm);

/*
 * At a rollback: what was held is dropped, input that was read since will be read again. Only if vm->outside is not 0; a
 * rollback to an older checkpoint than the last one notes OUTSIDE_INPUT first.
 */
void outside_rollback(struct vm *vm);

/* The VM ends by a fault: what was held is dropped. Not needed after outside_rollback. */
void outside_drop(struct vm *vm);

/* The VM ends in order: nothing will be taken back any more, and what was held leaves. */
void outside_end(struct vm *vm);

/* The VM that runs waits for an answer to what is held: its checkpoint is taken, whatever its period says. */
void outside_hurry(struct vm *vm);

/* The console is full of held text of the VM that runs: it goes on behind the others, with a checkpoint taken. */
void outside_wait(struct vm *vm);

/* No output waits for ever (TOML output_ms): a checkpoint is taken of VMs that have waited too long for theirs. */
void outside_housekeeping(void);

#endif
