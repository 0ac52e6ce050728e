/* SPDX-License-Identifier: Apache-2.0 */
/* The isolation test: common to kernel and tasks. */
#ifndef ISOLATION_H
#define ISOLATION_H

#include "report.h"
#include "vmi.h"

/* A task checkpoint of the caller, as in faults.h. */
#define CALL_CHECKPOINT VMI_GUEST_CALL
#define CALL_BACK (VMI_GUEST_CALL + 1)
#define CALL_FINISHED (VMI_GUEST_CALL + 2)

#define TASK_PROBER 0
#define TASK_NEIGHBOUR 1
#define TASK_COUNT 2

void prober_task(void *argument);
void neighbour_task(void *argument);

enum access { ACCESS_NONE, ACCESS_READ, ACCESS_WRITE };

/* Takes the checkpoint that a fault goes back to. */
extern int32_t (*isolation_checkpoint)(void);

/* What the caller may do at `address`, found out by doing it. Writes what is there already. */
enum access isolation_probe(uint32_t address);

/* Every section of the address space, then special addresses; `expected` says what should be possible. */
void isolation_sweep(const char *name, enum access (*expected)(uint32_t address));

#endif
