/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The priority table: who runs next, among the VMs and among the tasks of a VM (R10, R11, R37).
 * Every operation takes constant time, whatever the number of members and levels.
 *
 * Up to 16 members, each at one of 64 priority levels, 0 the most urgent. Members of a level take turns: exactly one
 * ready member of each level that has any *holds the turn*, and only it can be chosen. It keeps the turn until
 *   - its slice ends (ready_rotate) or it is no longer ready: the turn goes to the next ready member of its level, in
 *     rising order of the numbers, after 15 comes 0; or
 *   - it leaves the level (ready_remove, ready_change): likewise.
 * A member that becomes ready gets the turn only if nobody in its level holds it. A more urgent level that intervenes
 * changes nothing in the level below: the interrupted member goes on with its slice.
 *
 * The caller checks its arguments: m < READY_MEMBERS, prio < VMI_PRIORITY_COUNT, and that m exists where it must.
 */
#ifndef CORE_READY_H
#define CORE_READY_H

#include <stdbool.h>
#include <stdint.h>

#include "vmi.h"

#define READY_MEMBERS 16

struct ready_table {
  /* Hot: changes as the members run; saved with each VM checkpoint. */
  uint32_t ready; /* bit m: member m is ready */
  uint32_t
      levels[2]; /* bit 31 - (prio % 32) of word prio / 32: the level has a ready member (so CLZ finds the level) */
  uint32_t last; /* bit m: member m holds the turn of its level */
  /* Cold: changes when members come, go or change their priority. */
  uint16_t members[VMI_PRIORITY_COUNT]; /* bit m of entry prio: member m exists and has this priority */
  uint8_t priority[READY_MEMBERS];
  uint32_t exists; /* bit m: member m exists */
};

void ready_init(struct ready_table *t);

/* A new member, not ready. m must not exist. */
void ready_add(struct ready_table *t, unsigned m, unsigned prio);

/* Takes member m out, ready or not. Nothing happens if it does not exist. */
void ready_remove(struct ready_table *t, unsigned m);

/* Member m becomes ready / not ready. Nothing happens if it is so already. m must exist. */
void ready_set(struct ready_table *t, unsigned m);
void ready_clear(struct ready_table *t, unsigned m);

/* Member m gets another priority, and is ready or not as before. In its new level it waits for its turn. m must exist.
 */
void ready_change(struct ready_table *t, unsigned m, unsigned prio);

static inline bool ready_exists(const struct ready_table *t, unsigned m) {
  return (t->exists >> m & 1u) != 0;
}

static inline bool ready_is(const struct ready_table *t, unsigned m) {
  return (t->ready >> m & 1u) != 0;
}

_Static_assert(sizeof(struct ready_table) == 4 * 41, "ready_copy");

/* All of it (lib/copy.S). */
void ready_copy(struct ready_table *to, const struct ready_table *from);

/* The part that changes as members run; for a table whose cold part is the same in both. */
static inline void ready_copy_hot(struct ready_table *to, const struct ready_table *from) {
  to->ready = from->ready;
  to->levels[0] = from->levels[0];
  to->levels[1] = from->levels[1];
  to->last = from->last;
}

/* The member to run: of the most urgent level with a ready member, the one that holds the turn. -1: nobody is ready. */
static inline int ready_next(const struct ready_table *t) {
  uint32_t word = t->levels[0];
  const uint16_t *members = t->members;
  if (word == 0) {
    word = t->levels[1];
    members += 32;
    if (word == 0) {
      return -1;
    }
  }
  return 31 - __builtin_clz(t->last & members[__builtin_clz(word)]);
}

/* Member m, which is ready, holds the turn of its level from now on. */
static inline void ready_hold(struct ready_table *t, unsigned m) {
  t->last = (t->last & ~(uint32_t)t->members[t->priority[m]]) | 1u << m;
}

/* The slice of member m has ended: if m holds the turn, it passes to the next ready member of the level (m itself, if
 * alone). */
static inline void ready_rotate(struct ready_table *t, unsigned m) {
  uint32_t bit = 1u << m;
  if ((t->last & bit) == 0) {
    return;
  }
  uint32_t others = t->members[t->priority[m]] & t->ready & ~bit;
  if (others == 0) {
    return;
  }
  uint32_t after = others & (0u - bit);
  uint32_t from = after != 0 ? after : others;
  t->last = (t->last & ~bit) | (from & (0u - from));
}

#endif
