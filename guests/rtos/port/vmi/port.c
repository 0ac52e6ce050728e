/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel as a guest: the ready table and the contexts are the VMM's (R7, R37). */
#include "port/port.h"

#include "os_cfg.h"
#include "task_table.h"
#include "vcpu.h"
#include "vmi_calls.h"

#define TIMER_TICKS_MAX 63u /* longest period of the virtual timer, in VMM ticks */
#define TICK_US (1000000u / OS_TICKS_PER_SEC)

_Static_assert(OS_MAX_TASKS == VMI_TASK_MAX, "one slot per task window");

/* Before anything was created: all of it is as it should be. Refused by a VMM that takes no checkpoints. */
void port_init(void) {
  if (os_object_count != 0) {
    (void)vmi_objects(os_objects, os_object_count);
  }
  vcpu_enable(VMI_IRQ_TIMER);
}

/* The virtual timer runs in multiples of the VMM's tick: as close to OS_TICKS_PER_SEC as that allows. */
void port_tick_start(void) {
  uint32_t unit = vmi_info_page()->tick_us;
  uint32_t count = 0;

  for (uint32_t us = unit; us <= TICK_US && count < TIMER_TICKS_MAX; us += unit) {
    count++;
  }
  (void)vmi_timer_set(count != 0 ? count * unit : unit);
}

void port_ready(void) {
  (void)vmi_ready();
}

INT32U port_ticks_take(void) {
  (void)vcpu_take_irqs(VMI_IRQ_TIMER);
  return vcpu_take_ticks();
}

void port_idle(void) {
  (void)vmi_wait();
}

void port_safe_point(void) {
  (void)vmi_checkpoint();
}

INT32U port_current(void) {
  return vcpu_page()->current_task;
}

INT32U port_task_slot(INT32U entry) {
  return entry / VMI_WINDOW_SIZE - VMI_TASK_BASE / VMI_WINDOW_SIZE;
}

bool port_task_create(INT32U slot, INT32U entry, INT32U stack, INT32U argument, INT32U priority) {
  if (vmi_call(VMI_TASK_CREATE, slot, entry, stack, argument).value != VMI_OK) {
    return false;
  }
  (void)vmi_task_priority(slot, priority);
  return true;
}

void port_task_delete(INT32U slot) {
  (void)vmi_task_delete(slot);
}

void port_task_ready(INT32U slot) {
  (void)vmi_task_resume(slot);
}

void port_task_unready(INT32U slot) {
  (void)vmi_task_suspend(slot);
}

void port_task_priority(INT32U slot, INT32U priority) {
  (void)vmi_task_priority(slot, priority);
}

void port_task_result(INT32U slot, INT32U value, INT32U error) {
  (void)vmi_task_result(slot, value, error);
}

_Noreturn void port_return(INT32U value, INT32U error) {
  for (;;) {
    (void)vmi_task_return(value, error); /* the caller is ready itself, so this is never refused */
  }
}

void port_switch(INT32U slot) {
  _Static_assert(PORT_TASK_NEXT == VMI_TASK_NEXT, "passed through");
  (void)vmi_task_switch(slot);
}
