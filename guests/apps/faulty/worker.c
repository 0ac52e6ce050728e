/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A healthy task beside the faulty one: `tb <sequence> <value>`, the values of apps/sequence.h with seed 0x7b. It
 * keeps its state whatever happens to the other (R30).
 */
#include "apps/sequence.h"
#include "print.h"
#include "ucos_ii.h"

static struct sequence sequence = {.state = 0x7b};

void worker_task(void *argument);

void worker_task(void *argument) {
  (void)argument;
  for (;;) {
    uint32_t value = sequence_next(&sequence);

    print("tb %lu %08lx\n", (unsigned long)(sequence.count - 1u), (unsigned long)value);
    OSTimeDly(1);
  }
}
