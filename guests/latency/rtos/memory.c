/* SPDX-License-Identifier: Apache-2.0 */
/* Reads, changes and writes every word of 64 KiB, one after the other: every page is dirty in every slice. */
#include "latency/rtos/compute.h"

#define WORDS 16384u
#define ITERATIONS 60u
#define ROUNDS 3u

static volatile uint32_t words[WORDS];

void memory_task(void *argument);

static void memory_work(uint32_t iterations) {
  for (uint32_t pass = 0; pass < iterations; pass++) {
    for (uint32_t i = 0; i < WORDS; i++) {
      words[i] += pass ^ i;
    }
  }
}

void memory_task(void *argument) {
  (void)argument;
  compute_run("memory", memory_work, ITERATIONS, ROUNDS);
}
