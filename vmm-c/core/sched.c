/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched.h"

#include "arch/armv7/cp15.h"
#include "board.h"
#include "core/console.h"
#include "core/fast_offsets.h" /* its assertions */
#include "core/fault.h"
#include "core/housekeeping.h"
#include "core/preserved.h"
#include "core/recovery.h"
#include "core/switch.h"
#include "core/virq.h"
#include "drivers/gic.h"
#include "drivers/global_timer.h"
#include "drivers/sp804.h"
#include "lib/string.h"

#define WHEEL_SIZE 64u
#define HOUSEKEEPING (1u << 31) /* in the wheel, as if it were a VM */
_Static_assert(VM_MAX < 31, "bits of the wheel");

struct scheduler scheduler = {.tick_clear = SP804_INTCLR};
uint32_t sched_now PRESERVED;
static PRESERVED uint32_t failed_at; /* scheduler.now_time when the VMM failed, 0: it did not */
static uint32_t tick_counts; /* length of a tick, in counts of the global timer */
static uint32_t horizon;     /* ticks that a difference of counts can hold */
static uint32_t event_ticks; /* from there to timer_event */
static uint32_t timer_event; /* count at which the next virtual timer ends */
static bool slice_ended;
static struct ready_table vm_table;
static const struct vm *turn; /* the current VM as vm_table knows it: a fast path may have gone on to another */
/* Bit m of slot t % 64: the timer of VM m, or HOUSEKEEPING, ends at tick t. Bit n of `occupied`: slot n is not 0. */
static uint32_t wheel[WHEEL_SIZE];
static uint32_t occupied[WHEEL_SIZE / 32u];
static bool housekeeping_due;
static struct vm *ran_last; /* before nobody did */
static uint32_t overdue; /* VMs whose timer was set back by a rollback and has ended already */

/* Ticks from sched_now to the next slot that has a timer, 1..WHEEL_SIZE, or the horizon: none has. */
static uint32_t ticks_ahead(void) {
  unsigned from = (sched_now + 1u) % WHEEL_SIZE;
  unsigned word = from / 32u;
  uint32_t bits = occupied[word] & ~0u << from % 32u;
  if (bits == 0) {
    word ^= 1u;
    bits = occupied[word];
  }
  if (bits == 0) { /* what is left is behind `from`, one turn of the wheel ahead */
    word ^= 1u;
    bits = occupied[word];
  }
  if (bits == 0) {
    return horizon;
  }
  return (word * 32u + 31u - count_leading_zeros(bits & (0u - bits)) - from) % WHEEL_SIZE + 1u;
}

static void event_set(void) {
  uint32_t ticks = ticks_ahead();
  event_ticks = ticks < horizon ? ticks : horizon;
  timer_event = scheduler.now_time + event_ticks * tick_counts;
  scheduler.event = scheduler.polling ? scheduler.now_time : timer_event;
}

static void wheel_add(uint32_t bit, uint32_t tick) {
  unsigned slot = tick % WHEEL_SIZE;
  wheel[slot] |= bit;
  occupied[slot / 32u] |= 1u << slot % 32u;
}

static void housekeeping_arm(void) {
  if (config_housekeeping_ticks != 0) {
    wheel_add(HOUSEKEEPING, sched_now + config_housekeeping_ticks);
  }
}

void sched_note_failure(void) {
  failed_at = scheduler.now_time;
}

/* The time that a micro-reboot took is not lost to the guests' timers. */
static void catch_up(void) {
  uint32_t passed = scheduler.now_time - failed_at;
  if (failed_at != 0 && passed < horizon * tick_counts) {
    sched_now += passed / tick_counts;
    scheduler.now_time -= passed % tick_counts;
  }
  failed_at = 0;
}

void sched_init(void) {
  ready_init(&vm_table);
  turn = NULL;
  scheduler.polling = false;
  overdue = 0;
  memset(wheel, 0, sizeof wheel);
  memset(occupied, 0, sizeof occupied);
  housekeeping_due = false;
  ran_last = NULL;
  scheduler.changed = 1;
  tick_counts = config_tick_us * (BOARD_TIMER_CLOCK_HZ / 1000000u);
  horizon = 0x40000000u / tick_counts;
  scheduler.now_time = timer_now_low(); /* before the tick timer starts: its interrupts then never come early */
  catch_up();
  housekeeping_arm();
  event_set();
  tick_init(config_tick_us);
  gic_enable(BOARD_TICK_IRQ);
  for (unsigned m = 0; m < VM_MAX; m++) {
    scheduler.vms[m] = &vms[m];
  }
}

/* A fast path goes on to the next VM of a level without telling vm_table: who runs holds the turn. */
static void turn_take(void) {
  if (turn != current_vm) {
    turn = current_vm;
    if (turn != NULL) {
      ready_hold(&vm_table, turn->index);
    }
  }
}

void sched_add(struct vm *vm) {
  vm->after = (1u << (SCHEDULER_FIRST - vm->index)) - 1u;
  vm->slice_ticks = vm->config->slice_ticks;
  ready_add(&vm_table, vm->index, vm->config->priority);
}

void sched_timer_set_aside(const struct vm *vm) {
  if (vm->state.timer_period == 0) {
    return;
  }
  unsigned slot = vm->state.timer_next % WHEEL_SIZE;
  overdue &= ~(1u << vm->index);
  wheel[slot] &= ~(1u << vm->index);
  if (wheel[slot] == 0) {
    occupied[slot / 32u] &= ~(1u << slot % 32u);
  }
}

void sched_remove(struct vm *vm) {
  turn_take();
  scheduler.changed = 1;
  sched_timer_set_aside(vm);
  ready_remove(&vm_table, vm->index);
}

void sched_update(struct vm *vm) {
  bool waits = vm->state.waiting && virq_deliverable(vm) == 0;
  turn_take();
  scheduler.changed = 1;
  if (!ready_exists(&vm_table, vm->index)) {
    return;
  }
  if (vm->run_state == VMI_VM_RUNNING && !waits) {
    ready_set(&vm_table, vm->index);
  } else {
    ready_clear(&vm_table, vm->index);
  }
}

void sched_rotate(struct vm *vm) {
  turn_take();
  uint32_t last = vm_table.last;
  ready_rotate(&vm_table, vm->index);
  scheduler.changed |= vm_table.last ^ last;
}

static void timer_arm(const struct vm *vm) {
  wheel_add(1u << vm->index, vm->state.timer_next);
}

/* D10: a VM that did not run finds the periods it missed, but not so many that it does nothing else any more. */
static void ticks_deliver(struct vm *vm, uint32_t ended) {
  uint32_t waiting = vm->vcpu->ticks;
  uint32_t room = waiting < vm->config->missed_ticks_max ? vm->config->missed_ticks_max - waiting : 0;
  uint32_t delivered = ended < room ? ended : room;
  vm->vcpu->ticks = waiting + delivered;
  vm->counters.ticks_lost += ended - delivered;
}

/* All periods that have ended. */
static void timer_expire(struct vm *vm) {
  uint32_t late = sched_now - vm->state.timer_next;
  uint32_t ended = 1;
  if (late >= vm->state.timer_period) { /* a VM that was paused and rolled back may be very late: not in a loop */
    ended += late / vm->state.timer_period;
  }
  vm->state.timer_next += ended * vm->state.timer_period;
  timer_arm(vm);
  vm->signs.periods += ended;
  ticks_deliver(vm, ended);
  if (vm->owner != vm->kernel) {
    /* a period is the time slice among tasks of equal priority */
    ready_rotate(&vm->tasks, thread_number(vm, vm->owner));
  }
  virq_raise(vm->index, VMI_IRQ_TIMER);
}

static void timers_expire(uint32_t due) {
  if ((due & HOUSEKEEPING) != 0) {
    due ^= HOUSEKEEPING;
    housekeeping_due = true;
    housekeeping_arm();
  }
  for (; due != 0; due &= due - 1u) {
    timer_expire(vm_numbered(31u - count_leading_zeros(due & (0u - due))));
  }
}

/* Bring sched_now up to the timer that ends next; all the timers that have ended are served. */
static void timers_advance(void) {
  while ((int32_t)(timer_now_low() - timer_event) >= 0) {
    sched_now += event_ticks;
    scheduler.now_time = timer_event;
    unsigned slot = sched_now % WHEEL_SIZE;
    uint32_t due = wheel[slot];
    wheel[slot] = 0;
    occupied[slot / 32u] &= ~(1u << slot % 32u);
    timers_expire(due);
    event_set();
  }
}

static void overdue_expire(void) {
  uint32_t due = overdue;
  if (due != 0) {
    overdue = 0;
    timers_expire(due);
    event_set();
  }
}

void sched_timer_set(struct vm *vm, uint32_t period) {
  timers_advance();
  sched_timer_set_aside(vm);
  vm->state.timer_period = period;
  vm->unsaved = 1;
  if (period != 0) {
    uint32_t ticks = (timer_now_low() - scheduler.now_time) / tick_counts;
    sched_now += ticks;
    scheduler.now_time += ticks * tick_counts;
    vm->state.timer_next = sched_now + period;
    timer_arm(vm);
  }
  event_set();
}

void sched_timer_restored(struct vm *vm) {
  if (vm->state.timer_period == 0) {
    return;
  }
  if ((int32_t)(vm->state.timer_next - sched_now) > 0) {
    timer_arm(vm);
    event_set();
  } else {
    overdue |= 1u << vm->index;
    scheduler.changed = 1;
  }
}

/* Interrupts that the VMM was too busy to take are lost, but time is not: the clock says which timers have ended. */
static void tick_taken(void) {
  timers_advance();
  if (current_vm != NULL && --current_vm->slice_left == 0) {
    sched_yield(current_vm);
    current_vm->signs.slices_more++;
    slice_ended = true;
    scheduler.changed = 1;
  }
}

static void interrupt_dispatch(uint32_t iar) {
  uint32_t id = iar & GIC_ID_MASK;
  if (id == BOARD_TICK_IRQ) {
    tick_clear();
    gic_end(iar);
    tick_taken();
    return;
  }
  if (id >= BOARD_UART_IRQ(0) && id < BOARD_UART_IRQ(BOARD_UART_COUNT)) {
    console_interrupt(BOARD_UART_OF_IRQ(id));
  }
  if (id != GIC_SPURIOUS) {
    gic_end(iar);
  }
}

static void housekeep(void) {
  if (housekeeping_due) {
    housekeeping_due = false;
    housekeeping();
  }
}

struct vm *sched_last(void) {
  return current_vm != NULL ? current_vm : ran_last;
}

static void raise_waiting(void) {
  if (scheduler.fault_waiting) {
    fault_raise();
  }
}

/* What is slow: text that may leave, else one fault. false: there is nothing to tell. */
static bool tell(void) {
  return console_release() || fault_report();
}

/* Nobody is ready: tell what is still to be told, then sleep. A masked interrupt ends WFI (ARM ARM B1.8.13). */
static struct vm *wait_for_ready(void) {
  int next;
  ran_last = sched_last();
  switch_from_vm();
  while ((next = ready_next(&vm_table)) < 0) {
    if (!tell()) {
      wfi();
    }
    interrupt_dispatch(gic_acknowledge());
    housekeep();
    raise_waiting();
    overdue_expire(); /* of a VM that housekeeping rolled back */
  }
  return vm_numbered((unsigned)next);
}

/* For the fast paths: who shares the level of the current VM. */
static void turn_give(const struct vm *vm) {
  turn = vm;
  scheduler.level =
      reverse_bits(vm_table.ready & vm_table.members[vm_table.priority[vm->index]]) >> (31 - SCHEDULER_FIRST);
}

static struct vm *next_ready(void) {
  turn_take();
  int next = ready_next(&vm_table);
  return next >= 0 ? vm_numbered((unsigned)next) : wait_for_ready();
}

/* The slice of the current VM is over, and it would go on. false: its state was found to be wrong, and it was stopped. */
static bool goes_on(struct vm *vm) {
  if (slice_ended) {
    slice_ended = false;
    switch_slice_ended(vm);
  }
  return vm->run_state == VMI_VM_RUNNING;
}

/* Who runs is chosen anew. */
static struct vm *choose(void) {
  raise_waiting();
  overdue_expire();
  struct vm *vm = next_ready();
  scheduler.changed = 0; /* but for what a checkpoint lets out: a doorbell may wake a more urgent VM */
  if (vm == current_vm && !goes_on(vm)) {
    vm = next_ready();
  }
  if (vm != current_vm) {
    switch_to_vm(vm);
  }
  slice_ended = false;
  turn_give(vm);
  return vm;
}

void sched_resume(void) {
  struct vm *vm = current_vm;
  while (scheduler.changed != 0) {
    vm = choose();
  }
  if (vm->state.waiting) {
    vm->state.waiting = false;
    recovery_edit_kernel(vm)->r[0] = virq_deliverable(vm); /* only a kernel waits */
  }
  virq_deliver(vm);
}

static void report(void) {
  if (scheduler.polling && !tell()) {
    scheduler.polling = false;
    scheduler.event = timer_event;
  }
}

void interrupt_handle(uint32_t iar) {
  interrupt_dispatch(iar);
  housekeep();
  report();
  sched_resume();
}

void tick_handle(void) {
  tick_taken();
  housekeep();
  report();
  sched_resume();
}
