/* SPDX-License-Identifier: Apache-2.0 */
/* Times rounds of work with the board's timer and prints `<name> <timer counts>` for each. */
#ifndef LATENCY_COMPUTE_H
#define LATENCY_COMPUTE_H

#include <stdint.h>

/* Runs work(iterations) again and again, `rounds` times; then sleeps for ever. */
_Noreturn void compute_run(const char *name, void (*work)(uint32_t iterations), uint32_t iterations, uint32_t rounds);

#endif
