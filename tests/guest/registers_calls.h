/* SPDX-License-Identifier: Apache-2.0 */
/* Guest calls between the kernel and the tasks of the registers test. */
#ifndef REGISTERS_CALLS_H
#define REGISTERS_CALLS_H

#include "vmi.h"

/* Returns r0 = ~a0 and r1 = 0 with every register of the kernel used in between. */
#define CALL_ECHO VMI_GUEST_CALL
/* (struct run *, crash): from now on the spin cell gets its exit after three ticks. crash: what the crasher does first. */
#define CALL_SPIN (VMI_GUEST_CALL + 1)
/* The crasher waits; the result is what it is to do. */
#define CALL_CRASH_WAIT (VMI_GUEST_CALL + 2)
/* The worker is finished. */
#define CALL_FINISHED (VMI_GUEST_CALL + 3)

#define TASK_WORKER 0
#define TASK_CRASHER 1

void worker_task(void *argument);
void crasher_task(void *argument);

enum crash { CRASH_NONE, CRASH_UNDEFINED, CRASH_PREFETCH, CRASH_DATA };

#endif
