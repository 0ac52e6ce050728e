/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A timer of QEMU's virtual clock stops the CPU exactly between two instructions, on its own thread and with its whole
 * state in memory. So nothing of the machine is instrumented: all of it runs as it does without the injector, and the
 * virtual time of the faulty run is right. A second timer, among those of the devices, lets a machine that sleeps for
 * ever reach the end; it is the same in all experiments.
 */
#include "experiment.h"

#include <string.h>
#include <sys/mman.h>

#include "golden.h"
#include "internals.h"
#include "machine.h"
#include "trace.h"

#define NEVER UINT64_MAX
#define FAULT_MAX 256
#define STOP_SIZE 16u /* bytes of that loop */

struct progress {
  struct applied applied;
  uint64_t next;     /* when the fault is applied again */
  uint64_t original; /* value before the first application */
};

void (*experiment_paused)(void);
static const struct run *run;
static const struct fault *faults;
static struct progress *progress; /* shared with the process that waits for a forked one */
static uint8_t *report_buffer;
static void (*report_finished)(size_t size);
static uint32_t sync_next;
static int64_t executed_before;
static bool paused;
static _Alignas(16) uint8_t timer[TIMER_SIZE];
static _Alignas(16) uint8_t end_timer[TIMER_SIZE];
static _Alignas(16) uint8_t wake_timer[TIMER_SIZE];

static uint64_t now(void) {
  return (uint64_t)qemu.qemu_clock_get_ns(CLOCK_VIRTUAL);
}

static uint64_t mask_of(const struct fault *fault) {
  return fault->size >= sizeof(uint64_t) ? UINT64_MAX : (UINT64_C(1) << (8 * fault->size)) - 1;
}

static uint64_t faulty_value(const struct fault *fault, uint64_t value) {
  return ((((value & fault->keep) | fault->set) ^ fault->flip) + fault->add) & mask_of(fault);
}

static void note_first(struct progress *p, uint64_t value) {
  p->original = value;
  p->applied.time = now();
  p->applied.before = value;
  p->applied.pc = machine_core(15);
  p->applied.cpsr = machine_core(CPSR);
}

static void apply(const struct fault *fault, struct progress *p) {
  uint64_t value;
  uint64_t after = 0;
  if (!machine_read(fault, &value)) {
    return;
  }
  if (p->applied.times == 0) {
    note_first(p, value);
  }
  if (faulty_value(fault, value) != value || fault->target == TARGET_DEVICE) {
    machine_write(fault, faulty_value(fault, value));
  }
  (void)machine_read(fault, &after);
  if (p->applied.times == 0) {
    p->applied.after = after;
  }
  p->applied.times++;
  p->applied.changed += after != value;
}

/* Only the bits that the fault determines are put back. */
static void restore(const struct fault *fault, const struct progress *p) {
  uint64_t value;
  uint64_t touched = fault->add != 0 ? UINT64_MAX : ~fault->keep | fault->set | fault->flip;
  if (machine_read(fault, &value)) {
    machine_write(fault, (value & ~touched) | (p->original & touched));
  }
}

static uint64_t end_of(const struct fault *fault) {
  return fault->time + fault->duration;
}

static void after_application(const struct fault *fault, struct progress *p) {
  uint64_t again = p->next + fault->interval;
  if (fault->duration == 0) {
    p->next = NEVER;
  } else if (fault->interval != 0 && again < end_of(fault)) {
    p->next = again;
  } else {
    p->next = fault->restore ? end_of(fault) : NEVER;
  }
}

static void apply_due(uint64_t time) {
  for (uint32_t i = 0; i < run->faults; i++) {
    struct progress *p = &progress[i];
    if (p->next > time) {
      continue;
    }
    if (faults[i].restore && p->applied.times != 0 && time >= end_of(&faults[i])) {
      restore(&faults[i], p);
      p->next = NEVER;
      continue;
    }
    apply(&faults[i], p);
    after_application(&faults[i], p);
  }
}

static bool faults_are_over(void) {
  for (uint32_t i = 0; i < run->faults; i++) {
    if (progress[i].next != NEVER) {
      return false;
    }
  }
  return true;
}

static size_t put(size_t at, const void *data, size_t size) {
  if (at + size > REPORT_MAX) {
    return at;
  }
  memcpy(report_buffer + at, data, size);
  return at + size;
}

static void finish(enum end_kind end, uint64_t time) {
  struct report report = {.end = end, .sync = sync_next - 1, .faults = run->faults, .time = time};
  size_t at = sizeof report;
  report.executed = (uint64_t)(qemu.icount_get_raw() - executed_before);
  for (uint32_t i = 0; i < run->faults; i++) {
    at = put(at, &progress[i].applied, sizeof progress[i].applied);
  }
  for (int number = 0; number <= CPSR; number++) {
    report.registers[number] = machine_core(number);
  }
  if ((end == END_HORIZON || end == END_STOPPED) && (run->flags & RUN_GOLDEN) == 0) {
    at += golden_differences(report.sync, &report, report_buffer + at, REPORT_MAX - at);
  }
  memcpy(report_buffer, &report, sizeof report);
  report_finished(at);
}

size_t experiment_ended(uint8_t *buffer, enum end_kind end, uint32_t status) {
  struct report report = {.end = end, .status = status, .faults = run->faults};
  size_t at = sizeof report;
  for (uint32_t i = 0; i < run->faults; i++) {
    memcpy(buffer + at, &progress[i].applied, sizeof progress[i].applied);
    at += sizeof progress[i].applied;
  }
  memcpy(buffer, &report, sizeof report);
  return at;
}

static uint64_t next_event(void) {
  uint64_t next = plan.syncs[sync_next];
  for (uint32_t i = 0; i < run->faults; i++) {
    next = progress[i].next < next ? progress[i].next : next;
  }
  return next;
}

static bool may_end_early(void) {
  return (run->flags & RUN_EARLY) != 0 && faults_are_over();
}

/* Undo what was injected into RAM, where it is still there, or put it back; QEMU need not know. */
static void exchange_injected(bool undo) {
  for (uint32_t i = 0; i < run->faults; i++) {
    uint8_t *memory = faults[i].target == TARGET_RAM ? machine_ram(faults[i].address, faults[i].size) : NULL;
    const struct applied *applied = &progress[i].applied;
    const uint64_t *from = undo ? &applied->after : &applied->before;
    const uint64_t *to = undo ? &applied->before : &applied->after;
    if (memory != NULL && applied->times != 0 && memcmp(memory, from, faults[i].size) == 0) {
      memcpy(memory, to, faults[i].size);
    }
  }
}

static bool is_stopped(void) {
  uint32_t pc = machine_core(15);
  return plan.stop != 0 && pc >= plan.stop && pc < plan.stop + STOP_SIZE;
}

static bool end_early(uint64_t time) {
  uint32_t sync = sync_next - 1;
  if (is_stopped()) {
    finish(END_STOPPED, time);
    return true;
  }
  if (golden_equals(sync)) {
    finish(END_EQUAL, time);
    return true;
  }
  if (time < run->dormant_after) {
    return false;
  }
  exchange_injected(true);
  bool dormant = golden_equals(sync);
  exchange_injected(false);
  if (dormant) {
    finish(END_DORMANT, time);
  }
  return dormant;
}

/*
 * Work queued for the thread of the CPU would count as being awake, and QEMU would let time jump by less. So all is done
 * here: the CPU stands, because QEMU lets it run up to the next timer, and this thread has QEMU's lock.
 */
/*
 * What a fault has taken away is given back in time even when the CPU sleeps and no device would wake it, such as when the
 * fault has stopped the only timer. So this one stands among those of the devices.
 */
static void set_wake(void) {
  uint64_t next = NEVER;
  for (uint32_t i = 0; i < run->faults; i++) {
    bool ends = faults[i].restore && faults[i].duration != 0 && progress[i].applied.times != 0;
    if (ends && progress[i].next != NEVER && end_of(&faults[i]) < next) {
      next = end_of(&faults[i]);
    }
  }
  if (next != NEVER) {
    qemu.timer_mod_ns(wake_timer, (int64_t)next);
  }
}

static void pause_cpu(void *cpu, uintptr_t unused) {
  (void)cpu;
  (void)unused;
  machine_pause();
  experiment_paused();
}

/* true: a debugger shall see the machine before this fault; see experiment_resume(). */
static bool pause_before(uint64_t time) {
  bool wanted = (run->flags & RUN_PAUSE) != 0 && !paused && run->pause_before < run->faults;
  if (!wanted || progress[run->pause_before].next > time) {
    return false;
  }
  paused = true;
  qemu.async_run_on_cpu(qemu.qemu_get_cpu(0), pause_cpu, 0);
  return true;
}

static void on_time(void *unused) {
  (void)unused;
  uint64_t time = now();
  if (pause_before(time)) {
    return;
  }
  apply_due(time);
  while (sync_next < plan.setup.syncs && plan.syncs[sync_next] <= time) {
    sync_next++;
    if ((run->flags & RUN_GOLDEN) != 0) {
      golden_keep(sync_next - 1);
    } else if (sync_next < plan.setup.syncs && may_end_early() && end_early(time)) {
      return;
    }
    if (sync_next == plan.setup.syncs) {
      finish(END_HORIZON, time);
      return;
    }
  }
  qemu.timer_mod_ns(timer, (int64_t)next_event());
  set_wake();
}

static void do_nothing(void *unused) {
  (void)unused;
}

void experiment_timers(void) {
  timer_open(timer, on_time);
  qemu.timer_init_full(end_timer, qemu.main_loop_timers, CLOCK_VIRTUAL, 1, 0, do_nothing, NULL);
  qemu.timer_init_full(wake_timer, qemu.main_loop_timers, CLOCK_VIRTUAL, 1, 0, do_nothing, NULL);
}

static void resume_cpu(void *cpu, uintptr_t unused) {
  (void)cpu;
  (void)unused;
  qemu.timer_mod_ns(timer, qemu.qemu_clock_get_ns(CLOCK_VIRTUAL));
}

bool experiment_pauses(void) {
  return (run->flags & RUN_PAUSE) != 0;
}

void experiment_resume(void) {
  if (paused) { /* not here: while the CPU is stopped it counts as sleeping, and time would jump */
    qemu.async_run_on_cpu(qemu.qemu_get_cpu(0), resume_cpu, 0);
  }
}

bool experiment_open(void) {
  void *shared = mmap(NULL, FAULT_MAX * sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  progress = shared;
  return shared != MAP_FAILED;
}

bool experiment_prepare(const struct run *what, const struct fault *list, uint8_t *report,
                        void (*finished)(size_t size)) {
  if (what->faults > FAULT_MAX) {
    return false;
  }
  run = what;
  faults = list;
  report_buffer = report;
  report_finished = finished;
  memset(progress, 0, run->faults * sizeof *progress);
  for (uint32_t i = 0; i < run->faults; i++) {
    progress[i].next = faults[i].time;
  }
  return true;
}

void experiment_begin(void) {
  sync_next = 0;
  executed_before = qemu.icount_get_raw();
  while (sync_next + 1 < plan.setup.syncs && plan.syncs[sync_next] <= now()) {
    sync_next++;
  }
  if ((run->flags & RUN_TRACE) != 0) {
    trace_begin(run->traced_until);
  }
  qemu.timer_mod_ns(timer, (int64_t)next_event());
  qemu.timer_mod_ns(end_timer, (int64_t)plan.syncs[plan.setup.syncs - 1]);
}
