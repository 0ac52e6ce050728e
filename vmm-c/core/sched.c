/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sched.h"

#include "arch/armv7/cp15.h"
#include "board.h"
#include "core/console.h"
#include "core/fault.h"
#include "core/recovery.h"
#include "core/virq.h"
#include "drivers/gic.h"
#include "drivers/global_timer.h"
#include "drivers/sp804.h"

#define WHEEL_SIZE 64u

uint32_t sched_now;
static uint32_t tick_counts; /* length of a tick, in counts of the global timer */
static uint32_t tick_next;   /* low half of the global timer at which the next tick is due */
static bool slice_ended;
static struct ready_table vm_table;
/* Bit m of slot t % 64: the timer of VM m ends at tick t. A VM is due at most once at a time. */
static uint32_t wheel[WHEEL_SIZE];
static uint32_t timers_due;
static uint32_t vms_waiting;

void sched_init(void) {
  ready_init(&vm_table);
  tick_counts = config_tick_us * (BOARD_TIMER_CLOCK_HZ / 1000000u);
  tick_next = timer_now_low() + tick_counts; /* before the tick timer starts: its interrupts then never come early */
  tick_init(config_tick_us);
  gic_enable(BOARD_TICK_IRQ);
}

void sched_add(struct vm *vm) {
  ready_add(&vm_table, vm->index, vm->config->priority);
}

static void timer_cancel(struct vm *vm) {
  uint32_t bit = 1u << vm->index;
  for (unsigned slot = 0; slot < WHEEL_SIZE; slot++) {
    wheel[slot] &= ~bit;
  }
  timers_due &= ~bit;
}

void sched_remove(struct vm *vm) {
  timer_cancel(vm);
  ready_remove(&vm_table, vm->index);
}

void sched_update(struct vm *vm) {
  uint32_t bit = 1u << vm->index;
  bool waits = vm->state.waiting && virq_deliverable(vm) == 0;
  vms_waiting = waits ? vms_waiting | bit : vms_waiting & ~bit;
  if (!ready_exists(&vm_table, vm->index)) {
    return;
  }
  if (vm->run_state == VMI_VM_RUNNING && !waits) {
    ready_set(&vm_table, vm->index);
  } else {
    ready_clear(&vm_table, vm->index);
  }
}

void sched_yield(struct vm *vm) {
  vm->slice_left = vm->config->slice_ticks;
  ready_rotate(&vm_table, vm->index);
}

static void timer_arm(struct vm *vm) {
  wheel[vm->state.timer_next % WHEEL_SIZE] |= 1u << vm->index;
}

void sched_timer_set(struct vm *vm, uint32_t period) {
  timer_cancel(vm);
  vm->state.timer_period = period;
  if (period != 0) {
    vm->state.timer_next = sched_now + period;
    timer_arm(vm);
  }
}

void sched_timer_restored(struct vm *vm) {
  timer_cancel(vm);
  if (vm->state.timer_period == 0) {
    return;
  }
  if ((int32_t)(vm->state.timer_next - sched_now) > 0) {
    timer_arm(vm);
  } else {
    timers_due |= 1u << vm->index;
  }
}

/* All periods that ended since the VM was last looked at: a VM that did not run loses no tick. */
static void timer_expire(struct vm *vm) {
  uint32_t late = sched_now - vm->state.timer_next;
  uint32_t ended = 1;
  timers_due &= ~(1u << vm->index);
  if (late >= vm->state.timer_period) { /* a VM that was paused may be very late: not in a loop */
    ended += late / vm->state.timer_period;
  }
  vm->state.timer_next += ended * vm->state.timer_period;
  timer_arm(vm);
  vm->vcpu->ticks += ended;
  if (vm->state.owner != KERNEL_THREAD) {
    ready_rotate(&vm->tasks, vm->state.owner); /* a period is the time slice among tasks of equal priority */
  }
  virq_raise(vm->index, VMI_IRQ_TIMER);
}

static void tick_advance(void) {
  sched_now++;
  timers_due |= wheel[sched_now % WHEEL_SIZE];
  wheel[sched_now % WHEEL_SIZE] = 0;
  for (uint32_t wake = timers_due & vms_waiting; wake != 0; wake &= wake - 1u) {
    timer_expire(&vms[31u - count_leading_zeros(wake & (0u - wake))]);
  }
}

/* Interrupts that the VMM was too busy to take are lost, but time is not: the clock says how many ticks have passed. */
static void tick(void) {
  tick_clear();
  while ((int32_t)(timer_now_low() - tick_next) >= 0) {
    tick_next += tick_counts;
    tick_advance();
  }
  if (current_vm != NULL && --current_vm->slice_left == 0) {
    sched_yield(current_vm);
    slice_ended = true;
  }
}

static void interrupt_take(void) {
  uint32_t iar = gic_acknowledge();
  uint32_t id = iar & GIC_ID_MASK;
  if (id == BOARD_TICK_IRQ) {
    tick();
    gic_end(iar);
    return;
  }
  if (id >= BOARD_UART_IRQ(0) && id < BOARD_UART_IRQ(BOARD_UART_COUNT)) {
    console_interrupt(BOARD_UART_OF_IRQ(id));
  }
  if (id != GIC_SPURIOUS) {
    gic_end(iar);
  }
}

/* Nobody is ready: tell what is still to be told, then sleep. A masked interrupt ends WFI (ARM ARM B1.8.13). */
static struct vm *wait_for_ready(void) {
  int next;
  switch_from_vm();
  while ((next = ready_next(&vm_table)) < 0) {
    if (!fault_report()) {
      wfi();
    }
    interrupt_take();
  }
  return &vms[next];
}

struct context *sched_resume(void) {
  int next = ready_next(&vm_table);
  struct vm *vm = next >= 0 ? &vms[next] : wait_for_ready();
  if (vm != current_vm) {
    switch_to_vm(vm);
  } else if (slice_ended) {
    switch_slice_ended(vm);
  }
  slice_ended = false;
  if ((timers_due >> vm->index & 1u) != 0) {
    timer_expire(vm);
  }
  if (vm->state.waiting) {
    vm->state.waiting = false;
    thread_frame(vm_thread(vm))->r[0] = virq_deliverable(vm);
  }
  virq_deliver(vm);
  return thread_frame(vm_thread(vm));
}

struct context *interrupt_handle(struct context *frame) {
  (void)frame;
  interrupt_take();
  fault_report();
  return sched_resume();
}
