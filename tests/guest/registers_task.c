/* SPDX-License-Identifier: Apache-2.0 */
/* The registers test, worker task: VMI calls, guest calls, ticks, VM switches, faults of another task. */
#include "lib/vcpu.h"
#include "registers.h"
#include "registers_calls.h"

#define ROUNDS 6

static struct registers in;
static struct run run;

struct scenario {
  const char *name;
  uint32_t number;
  uint32_t results; /* bit 0, bit 1: the call changes r0, r1 */
};

static const struct scenario calls[] = {
    {"task.version", VMI_VERSION, 1},
    {"task.time", VMI_TIME, 3},
    {"task.console_write", VMI_CONSOLE_WRITE, 1},
    {"task.yield", VMI_YIELD, 1},
    {"task.refused_call", VMI_TASK_RESUME, 1},
    {"task.guest_call", CALL_ECHO, 3},
};

static void check_results(struct report *report, const struct scenario *scenario) {
  if (scenario->number == CALL_ECHO) {
    report_equal(report, "r0", run.out.r[0], ~in.r[0]);
    report_equal(report, "r1", run.out.r[1], 0);
  } else if (scenario->number == VMI_TASK_SWITCH) {
    report_equal(report, "r0", run.out.r[0], (uint32_t)VMI_EPERM);
  }
}

static void test_call(const struct scenario *scenario, uint32_t *random) {
  struct report report = {scenario->name, 0, 0};

  for (unsigned i = 0; i < ROUNDS * WAYS; i++) {
    const struct event *event = &events_svc[i % WAYS];

    registers_fill(&in, random);
    in.r[12] = scenario->number;
    in.r[1] = 0; /* length of VMI_CONSOLE_WRITE */
    run_prepare(&run, event);
    registers_run(&in, &run);
    registers_same(&report, &in, &run, scenario->results);
    check_results(&report, scenario);
    report_equal(&report, "stored word", run.scratch, word_for(event, in.r[5]));
  }
  report_end(&report);
}

/* D4: no exclusive store succeeds across a switch; within one slice it does. */
static void test_exclusive(void) {
  struct report report = {"task.exclusive", 0, 0};
  static uint32_t word;
  uint32_t switched;
  uint32_t failed = 1;

  word = 1; /* a first write between load and store would be a return to the guest, too */
  __asm__ volatile("mov r12, %3\n"
                   "ldrex r0, [%1]\n"
                   "svc #0\n"
                   "strex %0, %2, [%1]"
                   : "=&r"(switched)
                   : "r"(&word), "r"(2), "r"(VMI_YIELD)
                   : "r0", "r1", "r12", "memory");
  report_equal(&report, "store after a call", switched, 1);
  for (int i = 0; i < 100 && failed != 0; i++) { /* it may be interrupted now and then */
    (void)vcpu_load_exclusive(&word);
    failed = vcpu_store_exclusive(&word, 3);
  }
  report_equal(&report, "store without an interruption", failed, 0);
  report_end(&report);
}

/* Interrupted at any place by ticks, VM switches, and with `crash` by a task that faults and is rolled back. */
static void test_spin(const char *name, uint32_t crash, uint32_t *random) {
  struct report report = {name, 0, 0};

  for (unsigned i = 0; i < ROUNDS * WAYS; i++) {
    const struct event *event = &events_spin[i % WAYS];
    uint32_t recoveries = vmi_info_page()->recoveries;

    registers_fill(&in, random);
    run_prepare(&run, event);
    report_equal(&report, "CALL_SPIN", (uint32_t)vmi_call2(CALL_SPIN, vmi_address(&run), crash), VMI_OK);
    registers_run(&in, &run);
    registers_same(&report, &in, &run, 0);
    report_equal(&report, "stored word", run.scratch, word_for(event, in.r[5]));
    report_equal(&report, "recoveries", vmi_info_page()->recoveries - recoveries, crash != CRASH_NONE ? 1 : 0);
  }
  report_end(&report);
}

void worker_task(void *argument) {
  uint32_t random = 1001 * (vmi_info_page()->vm + 1);

  (void)argument;
  for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
    test_call(&calls[i], &random);
  }
  test_exclusive();
  test_spin("task.ticks", CRASH_NONE, &random);
  test_spin("task.other_undefined", CRASH_UNDEFINED, &random);
  test_spin("task.other_prefetch", CRASH_PREFETCH, &random);
  test_spin("task.other_data", CRASH_DATA, &random);
  (void)vmi_call0(CALL_FINISHED);
}
