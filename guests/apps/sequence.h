/* SPDX-License-Identifier: Apache-2.0 */
/* A sequence of values that anybody can compute again, from its seed and the number of the value alone. */
#ifndef APPS_SEQUENCE_H
#define APPS_SEQUENCE_H

#include <stdint.h>

#define SEQUENCE_HISTORY 64u

/* Private state that a task keeps between two values: one lost or repeated update shows in every later value. */
struct sequence {
  uint32_t state;
  uint32_t count;
  uint32_t history[SEQUENCE_HISTORY];
};

/* xorshift32 (Marsaglia, 2003); 0 stays 0, so no seed may be 0. */
static inline uint32_t xorshift32(uint32_t x) {
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return x;
}

/*
 * Value n (from 0) is the sum of the whole history after its n % 64th word was mixed with the n+1th xorshift32 of
 * the seed.
 */
static inline uint32_t sequence_next(struct sequence *sequence) {
  uint32_t sum = 0;

  sequence->state = xorshift32(sequence->state);
  sequence->history[sequence->count % SEQUENCE_HISTORY] ^= sequence->state + sequence->count;
  sequence->count++;
  for (uint32_t i = 0; i < SEQUENCE_HISTORY; i++) {
    sum += sequence->history[i];
  }
  return sum;
}

#endif
