/* SPDX-License-Identifier: Apache-2.0 */
/* Wants the lock that holder.c holds most of the time: `wt <sequence> <value>`, seed 0x3e. */
#include "apps/faulty/lock.h"
#include "apps/sequence.h"
#include "print.h"
#include "ucos_ii.h"

static struct sequence sequence = {.state = 0x3e};

void waiter_task(void *argument);

void waiter_task(void *argument) {
  (void)argument;
  lock_open();
  for (;;) {
    uint32_t value = sequence_next(&sequence);
    uint8_t error = lock_take();

    print("wt %lu %08lx\n", (unsigned long)(sequence.count - 1u), (unsigned long)value);
    error |= lock_give();
    if (error != OS_ERR_NONE) {
      print("wt error %u\n", error);
    }
    OSTimeDly(1);
  }
}
