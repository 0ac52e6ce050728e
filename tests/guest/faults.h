/* SPDX-License-Identifier: Apache-2.0 */
/* The faults test: common to kernel and task side. */
#ifndef FAULTS_H
#define FAULTS_H

#include "vmi.h"

/* Takes a task checkpoint of the caller: the partner runs in between. r1 = bit 0 of info->recoveries. */
#define CALL_CHECKPOINT VMI_GUEST_CALL
/* The partner's only call: back to the victim. a0: how often it was called. */
#define CALL_BACK (VMI_GUEST_CALL + 1)
#define CALL_FINISHED (VMI_GUEST_CALL + 2)

#define TASK_VICTIM 0
#define TASK_PARTNER 1

void victim_task(void *argument);
void partner_task(void *argument);

#ifndef __ASSEMBLER__
#include "fault_kinds.h"

/* true in a VM whose own checkpoints are so rare that only those of its task count. */
bool faults_leave_vm(void);

/*
 * Runs one kind of fault after a checkpoint that the call `number` takes, and checks that the rollback restored registers
 * and memory. prefix: "task" or "kernel".
 */
void fault_test(const char *prefix, const struct fault_kind *kind, uint32_t number, uint32_t *random);
#endif
#endif
