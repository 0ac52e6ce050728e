/* SPDX-License-Identifier: Apache-2.0 */
/* Start, the entries for calls and interrupts, and the way out to a task. */
#include "handlers.h"
#include "kernel.h"
#include "task_table.h"
#include "vmi.h"

BOOLEAN OSRunning;
INT8U OSLockNesting;
INT32U OSCtxSwCtr;
INT32U OSIdleCtr;

struct os_task *os_current;

void OSInit(void) {
  os_prio_reserved.prio = OS_PRIO_SELF;
  port_init();
}

/* Leaves the kernel: to the ready task with the highest priority, or to nobody while the scheduler is locked. */
static _Noreturn void leave(bool stay) {
  if (stay || OSLockNesting != 0) {
    port_switch(os_slot(os_current));
  }
  for (;;) {
    port_switch(PORT_TASK_NEXT);
    os_current = NULL; /* going on from idle counts as a switch, also to the same task */
    OSIdleCtr++;
    port_idle();
    for (INT32U ticks = port_ticks_take(); ticks != 0; ticks--) {
      os_tick();
    }
  }
}

void OSStart(void) {
  for (INT32U slot = 0; slot < os_task_count; slot++) {
    const struct os_task_config *task = &os_task_table[slot];

    if (task->autostart != 0) {
      (void)os_task_create((INT32U)task->entry, (INT32U)task->arg, 0, task->priority);
    }
  }
  OSRunning = OS_TRUE;
  port_tick_start();
  port_ready();
  leave(false);
}

_Noreturn void os_reset(void) {
  OSInit();
  OSStart();
  leave(false);
}

/* Who runs is decided below the kernel, so a switch is noticed, and counted, at the next entry. */
static void note_current(void) {
  struct os_task *task = &os_tasks[port_current()];

  if (task != os_current) {
    os_current = task;
    task->switches++;
    OSCtxSwCtr++;
  }
}

_Noreturn void os_call(const struct os_request *request) {
  os_result result = os_error(OS_ERR_INVALID_OPT);
  INT32U index = request->number - VMI_GUEST_CALL;

  note_current();
  if (index < OS_CALL_COUNT) {
    result = os_handlers[index](request->a);
  }
  if (result == OS_BLOCKED) {
    leave(false);
  }
  if ((result & OS_STAY) != 0 || OSLockNesting != 0) {
    port_task_result(os_slot(os_current), (INT32U)result, (INT8U)(result >> 32));
    leave(true);
  }
  port_return((INT32U)result, (INT32U)(result >> 32));
}

_Noreturn void os_irq(void) {
  note_current();
  for (INT32U ticks = port_ticks_take(); ticks != 0; ticks--) {
    os_tick();
  }
  leave(false);
}

/*
 * The only memory of a task the kernel ever touches is the stack of the one that called: it is known to be mapped and
 * writable, whatever the task passes. The stubs keep their buffers there.
 */
void *os_caller_buffer(INT32U address, size_t size) {
  const struct os_task_config *task = &os_task_table[os_slot(os_current)];
  INT32U bottom = (INT32U)task->stack_base;
  INT32U top = (INT32U)task->stack_top;

  if ((address & 3u) != 0 || address < bottom || address >= top || size > top - address) {
    return NULL;
  }
  return (void *)address;
}
