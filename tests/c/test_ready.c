// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/ready.c
/* R10, R11, R37: the priority table against a naive model that keeps an explicit queue per level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/ready.h"

struct model {
  bool exists[READY_MEMBERS];
  bool ready[READY_MEMBERS];
  unsigned prio[READY_MEMBERS];
  int turn[VMI_PRIORITY_COUNT]; /* member that holds the turn, -1: none */
};

static void model_init(struct model *o) {
  memset(o, 0, sizeof(*o));
  for (unsigned p = 0; p < VMI_PRIORITY_COUNT; p++) {
    o->turn[p] = -1;
  }
}

static int model_next(const struct model *o) {
  for (unsigned p = 0; p < VMI_PRIORITY_COUNT; p++) {
    if (o->turn[p] >= 0) {
      return o->turn[p];
    }
  }
  return -1;
}

/* The next ready member after m in the level of m, m itself last. -1: none. */
static int model_after(const struct model *o, unsigned m) {
  for (unsigned step = 1; step <= READY_MEMBERS; step++) {
    unsigned k = (m + step) % READY_MEMBERS;
    if (o->exists[k] && o->ready[k] && o->prio[k] == o->prio[m]) {
      return (int)k;
    }
  }
  return -1;
}

static void model_set(struct model *o, unsigned m) {
  o->ready[m] = true;
  if (o->turn[o->prio[m]] < 0) {
    o->turn[o->prio[m]] = (int)m;
  }
}

static void model_clear(struct model *o, unsigned m) {
  o->ready[m] = false;
  if (o->turn[o->prio[m]] == (int)m) {
    o->turn[o->prio[m]] = model_after(o, m);
  }
}

static void model_rotate(struct model *o, unsigned m) {
  if (o->turn[o->prio[m]] == (int)m) {
    o->turn[o->prio[m]] = model_after(o, m);
  }
}

static void model_remove(struct model *o, unsigned m) {
  model_clear(o, m);
  o->exists[m] = false;
}

static void model_add(struct model *o, unsigned m, unsigned prio) {
  o->exists[m] = true;
  o->ready[m] = false;
  o->prio[m] = prio;
}

static void model_change(struct model *o, unsigned m, unsigned prio) {
  bool ready = o->ready[m];
  model_remove(o, m);
  model_add(o, m, prio);
  if (ready) {
    model_set(o, m);
  }
}

static void compare(const struct ready_table *t, const struct model *o) {
  assert_int_equal(ready_next(t), model_next(o));
  uint32_t turns = 0;
  for (unsigned m = 0; m < READY_MEMBERS; m++) {
    assert_int_equal(ready_exists(t, m), o->exists[m]);
    assert_int_equal(ready_is(t, m), o->exists[m] && o->ready[m]);
    if (o->exists[m]) {
      assert_int_equal(t->priority[m], o->prio[m]);
    }
  }
  for (unsigned p = 0; p < VMI_PRIORITY_COUNT; p++) {
    turns |= o->turn[p] >= 0 ? 1u << o->turn[p] : 0;
    bool level = (t->levels[p / 32] >> (31 - p % 32) & 1) != 0;
    assert_int_equal(level, o->turn[p] >= 0);
  }
  assert_int_equal(t->last, turns);
}

/* One operation, chosen by `op`, on both; operations whose precondition does not hold are left out. */
static void both(struct ready_table *t, struct model *o, unsigned op, unsigned m, unsigned prio) {
  switch (op) {
    case 0:
      if (!o->exists[m]) {
        ready_add(t, m, prio);
        model_add(o, m, prio);
      }
      break;
    case 1:
      ready_remove(t, m);
      if (o->exists[m]) {
        model_remove(o, m);
      }
      break;
    case 2:
      if (o->exists[m]) {
        ready_set(t, m);
        model_set(o, m);
      }
      break;
    case 3:
      if (o->exists[m]) {
        ready_clear(t, m);
        model_clear(o, m);
      }
      break;
    case 4:
      if (o->exists[m]) {
        ready_rotate(t, m);
        model_rotate(o, m);
      }
      break;
    default:
      if (o->exists[m]) {
        ready_change(t, m, prio);
        model_change(o, m, prio);
      }
      break;
  }
  compare(t, o);
}

#define SMALL_MEMBERS 3u
#define SMALL_LEVELS 2u
#define SMALL_DEPTH 4
static const unsigned small_member[SMALL_MEMBERS] = {0, 7, 15};
static const unsigned small_prio[SMALL_LEVELS] = {31, 32}; /* on both sides of the word boundary */

static void explore(const struct ready_table *t, const struct model *o, int depth) {
  for (unsigned op = 0; depth > 0 && op <= 5; op++) {
    unsigned levels = op == 0 || op == 5 ? SMALL_LEVELS : 1;
    for (unsigned i = 0; i < SMALL_MEMBERS * levels; i++) {
      struct ready_table t2 = *t;
      struct model o2 = *o;
      both(&t2, &o2, op, small_member[i % SMALL_MEMBERS], small_prio[i / SMALL_MEMBERS]);
      explore(&t2, &o2, depth - 1);
    }
  }
}

/* All sequences of 4 operations on three members and two levels, from nothing and from "all there". */
static void test_every_short_sequence(void **state) {
  (void)state;
  struct ready_table t;
  struct model o;
  ready_init(&t);
  model_init(&o);
  compare(&t, &o);
  explore(&t, &o, SMALL_DEPTH);
  for (unsigned i = 0; i < SMALL_MEMBERS; i++) {
    both(&t, &o, 0, small_member[i], 31);
    both(&t, &o, 2, small_member[i], 0);
  }
  explore(&t, &o, SMALL_DEPTH);
}

/* Every set of ready members at one level, every holder of the turn: the rotation visits all of them in order. */
static void test_every_ready_set_rotates(void **state) {
  (void)state;
  for (unsigned set = 1; set < 1u << READY_MEMBERS; set++) {
    struct ready_table t;
    ready_init(&t);
    unsigned count = 0;
    for (unsigned m = 0; m < READY_MEMBERS; m++) {
      ready_add(&t, m, set % VMI_PRIORITY_COUNT);
      if ((set >> m & 1) != 0) {
        ready_set(&t, m);
        count++;
      }
    }
    int first = ready_next(&t);
    assert_int_equal(first, __builtin_ctz(set));
    int at = first;
    unsigned seen = 0;
    for (unsigned i = 0; i < count; i++) {
      seen |= 1u << at;
      assert_int_equal(ready_next(&t), at); /* stays until told */
      ready_rotate(&t, (unsigned)at);
      assert_true(ready_next(&t) > at || i == count - 1);
      at = ready_next(&t);
    }
    assert_int_equal(seen, set);
    assert_int_equal(at, first);
  }
}

static void test_every_pair_of_levels(void **state) {
  (void)state;
  for (unsigned a = 0; a < VMI_PRIORITY_COUNT; a++) {
    for (unsigned b = 0; b < VMI_PRIORITY_COUNT; b++) {
      struct ready_table t;
      ready_init(&t);
      ready_add(&t, 9, a);
      ready_add(&t, 4, b);
      assert_int_equal(ready_next(&t), -1);
      ready_set(&t, 4);
      assert_int_equal(ready_next(&t), 4);
      ready_set(&t, 9);
      assert_int_equal(ready_next(&t), a < b ? 9 : 4); /* equal: 4 has the turn */
    }
  }
}

/* A more urgent member comes and goes: the interrupted one goes on, the order below is untouched. */
static void test_preemption_keeps_the_turn(void **state) {
  (void)state;
  struct ready_table t;
  ready_init(&t);
  for (unsigned m = 0; m < 3; m++) {
    ready_add(&t, m, 20);
    ready_set(&t, m);
  }
  ready_add(&t, 15, 1);
  ready_rotate(&t, 0);
  for (int i = 0; i < 10; i++) {
    assert_int_equal(ready_next(&t), 1);
    ready_set(&t, 15);
    assert_int_equal(ready_next(&t), 15);
    ready_rotate(&t, 15); /* alone in its level: goes on */
    assert_int_equal(ready_next(&t), 15);
    ready_clear(&t, 15);
  }
}

static void test_waking_does_not_take_the_turn(void **state) {
  (void)state;
  struct ready_table t;
  ready_init(&t);
  ready_add(&t, 0, 5);
  ready_add(&t, 1, 5);
  ready_set(&t, 0);
  ready_set(&t, 1);
  ready_clear(&t, 0);
  assert_int_equal(ready_next(&t), 1);
  ready_set(&t, 0);
  assert_int_equal(ready_next(&t), 1);
}

static void test_long_random_run(void **state) {
  (void)state;
  struct ready_table t;
  struct model o;
  ready_init(&t);
  model_init(&o);
  srand(1);
  for (int i = 0; i < 300000; i++) {
    unsigned levels = i < 150000 ? 3 : VMI_PRIORITY_COUNT;
    unsigned op = (unsigned)rand() % 10;
    both(&t, &o, op > 5 ? 2 + op % 3 : op, (unsigned)rand() % READY_MEMBERS, (unsigned)rand() % levels);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_short_sequence),          cmocka_unit_test(test_every_ready_set_rotates),
      cmocka_unit_test(test_every_pair_of_levels),          cmocka_unit_test(test_preemption_keeps_the_turn),
      cmocka_unit_test(test_waking_does_not_take_the_turn), cmocka_unit_test(test_long_random_run),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
