/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The signal that the control loop integrates, and what the integral must be. All values and all partial sums are
 * multiples of 1/8192 well below 2^53 of them, so floating point has no rounding here: equal means equal.
 */
#ifndef SIGNAL_H
#define SIGNAL_H

#include <stdint.h>

#define SIGNAL_PERIOD 256u
#define SIGNAL_SCALE 64    /* units per 1.0 */
#define STEPS_PER_UNIT 128 /* samples per unit of time */
#define INTEGRAL_SCALE (SIGNAL_SCALE * STEPS_PER_UNIT)

/* Sample k in units of 1/64, -128..127: visits every value once per period. */
static inline int32_t signal_units(uint32_t k) {
  return (int32_t)(k * 37u % SIGNAL_PERIOD) - 128;
}

/* Integral after sample k, in units of 1/8192: whole periods add -128 each. */
static inline int32_t integral_units(uint32_t k) {
  int32_t sum = -128 * (int32_t)((k + 1u) / SIGNAL_PERIOD);

  for (uint32_t i = k + 1u - (k + 1u) % SIGNAL_PERIOD; i <= k; i++) {
    sum += signal_units(i);
  }
  return sum;
}

/* Sample counts travel from the loop to the supervisor through this queue. */
void *control_queue(void);

#endif
