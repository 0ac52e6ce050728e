/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds the lock for two ticks, tells the kernel so, and lets go of it for one: `hd <sequence> <value>`, seed
 * 0x4d. After a rollback of the VM the mutex must be owned by whom it was at the checkpoint, or one of the two
 * tasks here stops or reports an error.
 */
#include "apps/faulty/app_calls.h"
#include "apps/faulty/lock.h"
#include "apps/sequence.h"
#include "print.h"
#include "ucos_ii.h"

static struct sequence sequence = {.state = 0x4d};

void holder_task(void *argument);

void holder_task(void *argument) {
  (void)argument;
  lock_open();
  for (;;) {
    uint32_t value = sequence_next(&sequence);
    uint8_t error = lock_take();

    (void)OSAppCall(APP_HOLD, 0);
    OSTimeDly(2);
    (void)OSAppCall(APP_RELEASE, 0);
    error |= lock_give();
    if (error != OS_ERR_NONE) {
      print("hd error %u\n", error);
    }
    print("hd %lu %08lx\n", (unsigned long)(sequence.count - 1u), (unsigned long)value);
    OSTimeDly(1);
  }
}
