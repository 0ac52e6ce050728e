/* SPDX-License-Identifier: Apache-2.0 */
/* Ready table of the bare port: a bitmap of priorities, and the task of each. Priorities are unique (uC/OS-II). */
#ifndef BARE_READY_H
#define BARE_READY_H

#include <stdint.h>

#define READY_NONE 0xffffffffu

void ready_set_priority(uint32_t slot, uint32_t priority);
void ready_insert(uint32_t slot);
void ready_remove(uint32_t slot);

/* Slot of the ready task with the highest priority, in constant time; READY_NONE. */
uint32_t ready_first(void);

#endif
