/* SPDX-License-Identifier: Apache-2.0 */
/* Random choices, from a seed, of what the running guest thread does next. */
#ifndef FAKES_GUEST_RANDOM_H
#define FAKES_GUEST_RANDOM_H

#include <stdint.h>

void random_start(uint32_t seed);
uint32_t random_below(uint32_t limit);

/* Of the last random_start. */
uint32_t random_seed(void);

/* One thing that the running thread does, or that happens to it. */
void random_step(unsigned step);

/* Seed, step and what was being done, for the report of a failure. */
const char *random_place(void);

#endif
