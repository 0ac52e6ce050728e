/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invariant 2: every call number with hostile arguments. Common to kernel and task: what a call may answer, the values to
 * try, and the check that a refused call has changed nothing.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "lib/vmi_calls.h"
#include "report.h"

#define HOSTILE_NUMBERS 0x204u /* 0..0x203: all numbers with a meaning, and some above */
#define CALL_FINISHED VMI_GUEST_CALL_MAX
#define CALL_ANSWER 0x5eadbeefu /* what the kernel answers to every other guest call */

#define CANARY_WORDS 64u

void hostile_task(void *argument);

/* Who calls. */
enum hostile_caller { HOSTILE_KERNEL, HOSTILE_MANAGER, HOSTILE_TASK };

/* true: `value` (r0) is an answer that docs/vmi.md gives for `number` to this caller. */
bool hostile_answer_valid(enum hostile_caller caller, uint32_t number, int32_t value);

/* Number of values and value i; some point into `canary`. */
uint32_t hostile_value_count(void);
uint32_t hostile_value(uint32_t i);

/* One call with everything checked; false when the answer or its effect is wrong. */
bool hostile_try(struct report *report, enum hostile_caller caller, uint32_t number, const uint32_t arguments[4]);

/* All numbers `from` <= n < `to` with many combinations of values. prepare(n) is called before each call. */
void hostile_numbers(struct report *report, enum hostile_caller caller, uint32_t from, uint32_t to,
                     bool (*prepare)(uint32_t number));

/* Kernel side: makes sure that the call comes back here. Success of a switch to a task would not, nor a long wait. */
bool hostile_prepare(uint32_t number);

#endif
