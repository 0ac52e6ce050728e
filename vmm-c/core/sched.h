/* SPDX-License-Identifier: Apache-2.0 */
/* Which VM runs, time, and the common way back into a guest. */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "core/vm.h"

/* VMM ticks since boot; wraps around. Never rolled back. */
extern uint32_t sched_now;

void sched_init(void);

/* A VM came into being, or is gone. */
void sched_add(struct vm *vm);
void sched_remove(struct vm *vm);

/* The run state, the waiting state or the virtual interrupts of vm changed: put it into or out of the table. */
void sched_update(struct vm *vm);

/* End the turn of vm among the VMs of its priority. */
void sched_yield(struct vm *vm);

/* Periodic virtual timer of vm: `period` VMM ticks (1..63; 0: off). */
void sched_timer_set(struct vm *vm, uint32_t period);

/* After a rollback: expect the timer again as the restored state says (D10: ended periods are delivered late). */
void sched_timer_restored(struct vm *vm);

/*
 * Choose the VM to run, switch to it, deliver its virtual interrupts; sleeps while none is ready.
 * Returns the frame to resume.
 */
struct context *sched_resume(void);

/* IRQ entry: r0 = frame of the interrupted thread. Called from vectors.S. */
struct context *interrupt_handle(struct context *frame);

#endif
