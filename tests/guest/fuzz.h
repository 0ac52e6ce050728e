/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fuzzer of the VMI (invariant 2): random calls with random and nearly valid arguments, each checked where it is made. Call
 * `position` of a caller depends on the seed, the position and the number of recoveries of the VM alone: so the sequence goes on
 * elsewhere after a rollback, which takes the position back, and a failing call is named by these three.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "hostile.h"

#define FUZZ_TELL (VMI_GUEST_CALL_MAX) /* of a partner: where its witness is */
#define FUZZ_DONE (VMI_GUEST_CALL_MAX - 1u) /* of the caller: it has found a failure and stops */
#define FUZZ_COUNT (VMI_GUEST_CALL_MAX - 2u) /* of the caller: its position */

#define WITNESS_WORDS 1024u

/* One caller; its position is part of what is rolled back. */
struct fuzzer {
  struct report report;
  enum hostile_caller caller;
  uint32_t seed;
  uint32_t position;
  uint32_t random;  /* state of the generator for this call */
  uint32_t recover; /* one call of so many is a real fault instead; 0: none */
};

/* A call and what came back. Layout known by fuzz_svc.S. */
struct fuzz_call {
  uint32_t in[13]; /* r0..r12 */
  uint32_t flags;
  uint32_t out[13];
  uint32_t out_flags;
  uint32_t out_lr;
};

/* r0..r12 and the flags are loaded, lr is `call`; SVC; all of them are stored. */
void fuzz_svc(struct fuzz_call *call);

/* xorshift32; below a limit, which is not 0. */
uint32_t fuzz_random(struct fuzzer *fuzzer);
uint32_t fuzz_below(struct fuzzer *fuzzer, uint32_t limit);

/* Chooses number and arguments: in[0..3], in[12]. `memory`: bytes of the caller's own that calls may write. */
void fuzz_choose(struct fuzzer *fuzzer, struct fuzz_call *call, uint32_t memory, uint32_t bytes);

/* Bytes that a call which succeeded with `value` may have written, from *address on. */
uint32_t fuzz_written(const struct fuzz_call *call, int32_t value, uint32_t *address);

/* A pointer into `memory` is accepted, one that the caller has no right to is refused. */
bool fuzz_pointer_right(enum hostile_caller caller, const struct fuzz_call *call, int32_t value, uint32_t memory,
                        uint32_t bytes);

/* The next call, checked; false: wrong, and described. before(&call) is called before it: false leaves it out. */
bool fuzz_next(struct fuzzer *fuzzer, bool (*before)(const struct fuzz_call *call));

/* A hash of 32 bits. */
uint32_t fuzz_mixed(uint32_t x);

/* Memory that nothing may change. Checks `count` words from `from` on. */
void witness_fill(uint32_t *words, uint32_t seed);
bool witness_is(const uint32_t *words, uint32_t seed, uint32_t from, uint32_t count);

void fuzz_task(void *seed);
void fuzz_partner(void *number);

#endif
