/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel needs from below: task contexts, the ready table and a tick. On the VMI these are calls to the
 * VMM, whose integrated table replaces the kernel's own (R37); on the bare board the port has both itself.
 *
 * The port enters the kernel through os_reset, os_call and os_irq, each time on an empty kernel stack and
 * with interrupts masked; the kernel leaves through port_return or port_switch.
 */
#ifndef PORT_H
#define PORT_H

#include <stdbool.h>

#include "os_cpu.h"

#define PORT_TASK_NEXT 0xffffffffu /* the ready task with the highest priority */

void port_init(void);

/* Starts the periodic tick, OS_TICKS_PER_SEC or the nearest the timer can do. */
void port_tick_start(void);

/* Tells whoever watches over this guest that its boot is complete. */
void port_ready(void);

/* Ticks that ended since the last call; acknowledges the interrupts behind them. */
INT32U port_ticks_take(void);

/* Waits, interrupts still masked, until port_ticks_take has something to do. */
void port_idle(void);

/* Declares that the state is a good one to come back to; without effect where nothing does. */
void port_safe_point(void);

/* Slot of the task that runs or ran last. */
INT32U port_current(void);

/* Slot of the window a function lies in; OS_MAX_TASKS or more when it lies in none. */
INT32U port_task_slot(INT32U entry);

/* Sets up a context, not ready. False when the port refuses the entry or the stack. */
bool port_task_create(INT32U slot, INT32U entry, INT32U stack, INT32U argument, INT32U priority);
void port_task_delete(INT32U slot);
void port_task_ready(INT32U slot);
void port_task_unready(INT32U slot);
void port_task_priority(INT32U slot, INT32U priority);

/* Sets the result and the error code of the call a task is stopped in. */
void port_task_result(INT32U slot, INT32U value, INT32U error);

/* Delivers the result of the current task's call and switches to the ready task with the highest priority. */
_Noreturn void port_return(INT32U value, INT32U error);

/* Continues a task; comes back only when there is nothing to run. */
void port_switch(INT32U slot);

/* r0..r3 and r12 of the caller, as the entry code pushed them. */
struct os_request {
  INT32U a[4];
  INT32U number;
};

/* Entries of the kernel (kernel/core.c). */
_Noreturn void os_reset(void);
_Noreturn void os_call(const struct os_request *request);
_Noreturn void os_irq(void);

#endif
