/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task that declares a safe point of its VM at every tenth value: `sp <sequence> <value>`, the values of apps/sequence.h with
 * seed 0x5b. So a VM that is saved only on request goes back to the value behind the last of them.
 */
#include "apps/sequence.h"
#include "print.h"
#include "ucos_ii.h"

static struct sequence sequence = {.state = 0x5b};

void declarer_task(void *argument);

void declarer_task(void *argument) {
  (void)argument;
  for (;;) {
    if (sequence.count % 10u == 0) {
      OSSafePoint();
    }
    uint32_t value = sequence_next(&sequence);

    print("sp %lu %08lx\n", (unsigned long)(sequence.count - 1u), (unsigned long)value);
    OSTimeDly(1);
  }
}
