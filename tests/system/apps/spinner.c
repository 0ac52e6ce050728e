/* SPDX-License-Identifier: Apache-2.0 */
/* Never sleeps: prints the same lines `tb <sequence> <value>` as the worker, as fast as it can. */
#include "apps/sequence.h"
#include "print.h"

static struct sequence sequence = {.state = 0x7b};

void spinner_task(void *argument);

void spinner_task(void *argument) {
  (void)argument;
  for (;;) {
    uint32_t value = sequence_next(&sequence);

    print("tb %lu %08lx\n", (unsigned long)(sequence.count - 1u), (unsigned long)value);
  }
}
