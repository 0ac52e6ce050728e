// SPDX-License-Identifier: Apache-2.0
#include "core/ready.h"

static uint32_t level_bit(unsigned prio) {
  return 0x80000000u >> (prio % 32u);
}

void ready_init(struct ready_table *t) {
  *t = (struct ready_table){0};
}

void ready_add(struct ready_table *t, unsigned m, unsigned prio) {
  t->exists |= 1u << m;
  t->priority[m] = (uint8_t)prio;
  t->members[prio] = (uint16_t)(t->members[prio] | 1u << m);
}

void ready_remove(struct ready_table *t, unsigned m) {
  if (!ready_exists(t, m)) {
    return;
  }
  ready_clear(t, m);
  unsigned prio = t->priority[m];
  t->members[prio] = (uint16_t)(t->members[prio] & ~(1u << m));
  t->exists &= ~(1u << m);
}

void ready_set(struct ready_table *t, unsigned m) {
  unsigned prio = t->priority[m];
  t->ready |= 1u << m;
  t->levels[prio / 32u] |= level_bit(prio);
  if ((t->last & t->members[prio]) == 0) {
    t->last |= 1u << m;
  }
}

void ready_clear(struct ready_table *t, unsigned m) {
  unsigned prio = t->priority[m];
  ready_rotate(t, m);
  t->ready &= ~(1u << m);
  t->last &= ~(1u << m); /* still set only if no other member is ready */
  if ((t->members[prio] & t->ready) == 0) {
    t->levels[prio / 32u] &= ~level_bit(prio);
  }
}

void ready_change(struct ready_table *t, unsigned m, unsigned prio) {
  bool ready = ready_is(t, m);
  ready_remove(t, m);
  ready_add(t, m, prio);
  if (ready) {
    ready_set(t, m);
  }
}
