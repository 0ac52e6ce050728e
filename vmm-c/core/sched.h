/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs (R10), the VMM's tick and the virtual timers (D4). */
#ifndef CORE_SCHED_H
#define CORE_SCHED_H

#include "core/vm.h"

/* The VMM's tick at which a virtual timer was last looked at. Never set back (D4). */
extern uint32_t sched_now;

/* Start the tick and its interrupt. */
__attribute__((cold)) void sched_init(void);

/* The VMM has failed: what sched_init of a micro-reboot needs to go on with the time. */
void sched_note_failure(void);

/* A VM came to life (it has memory) or goes; both leave it not ready. */
void sched_add(struct vm *vm);
void sched_remove(struct vm *vm);

/* run_state, waiting or pending interrupts of vm changed: decide anew whether it may run. */
void sched_update(struct vm *vm);

/* End vm's turn among VMs of its priority (R29: after a rollback; VMI_YIELD). */
void sched_rotate(struct vm *vm);
static inline void sched_yield(struct vm *vm) {
  vm->slice_left = vm->slice_ticks;
  if (vm != current_vm || (scheduler.level & (scheduler.level - 1u)) != 0) { /* not alone in its level */
    sched_rotate(vm);
  }
}

/* The same before the end of its slice: what it used of it was running time, too (core/watchdog.c). */
static inline void sched_give_up(struct vm *vm) {
  vm->signs.ticks_more += vm->slice_ticks - vm->slice_left;
  sched_yield(vm);
}

/* Virtual timer of vm: a period in VMM ticks, 0 stops it. */
void sched_timer_set(struct vm *vm, uint32_t period);

/* Before a rollback changes the state of the timer. */
void sched_timer_set_aside(const struct vm *vm);

/* After it: the timer goes on, and the periods that ended since the checkpoint are delivered (D10). */
void sched_timer_restored(struct vm *vm);

/* A fault is to be told (fault_report): until all are, each tick looks for one. */
static inline void sched_poll(void) {
  scheduler.polling = true;
  scheduler.event = scheduler.now_time;
}

/*
 * Entry from a guest: the physical interrupt `iar`, as gic_acknowledge gave it; the VMM's tick, whose interrupt is
 * acknowledged, cleared and ended already. Then the entry code resumes scheduler.current.
 */
void interrupt_handle(uint32_t iar);
void tick_handle(void);

/* The VM that runs, or that ran last; NULL: none ever did. */
struct vm *sched_last(void);

/* Choose who runs next, switch there, deliver its pending interrupts. Then the entry code resumes scheduler.current. */
void sched_resume(void);

#endif
