/* SPDX-License-Identifier: Apache-2.0 */
#include "latency/rtos/compute.h"

#include "print.h"
#include "ucos_ii.h"
#include "vmi_calls.h"

_Noreturn void compute_run(const char *name, void (*work)(uint32_t iterations), uint32_t iterations, uint32_t rounds) {
  OSTimeDly(1); /* begins with a fresh tick, so that every round of every build sees the same number of them */
  for (uint32_t round = 0; round < rounds; round++) {
    uint64_t start = vmi_time();
    uint32_t elapsed;

    work(iterations);
    elapsed = (uint32_t)(vmi_time() - start);
    print("%s %lu\n", name, (unsigned long)elapsed);
    OSTimeDly(1);
  }
  for (;;) {
    OSTimeDly(1000);
  }
}
