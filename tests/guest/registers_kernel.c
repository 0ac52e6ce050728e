/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers test, kernel side: first the kernel's own registers, then the kernel that the worker task (registers
 * _task.c) needs. Several VMs run this program at once with different values and equal priority, so that every tick
 * also switches VMs.
 */
#include "lib/guest.h"
#include "lib/vcpu.h"
#include "raw_tasks.h"
#include "registers.h"
#include "registers_calls.h"

#define ROUNDS 4
#define TICKS_PER_SPIN 3

static struct registers in;
static struct run own_run;
static struct run *spinning; /* whose cell is to be changed */
static uint32_t ticks_left;
static uint32_t crash;

static void spin_start(struct run *run, uint32_t first_crash, uint32_t tick_us) {
  spinning = run;
  crash = first_crash;
  ticks_left = TICKS_PER_SPIN;
  (void)vmi_timer_set(tick_us);
}

static void crasher_wake(void) {
  (void)vmi_task_result(TASK_CRASHER, crash, 0);
  (void)vmi_task_resume(TASK_CRASHER);
  crash = CRASH_NONE;
}

void guest_irq(uint32_t lines) {
  if ((lines & VMI_IRQ_TIMER) == 0 || spinning == NULL) {
    return;
  }
  if (crash != CRASH_NONE) {
    crasher_wake();
  }
  ticks_left -= vcpu_take_ticks() < ticks_left ? 1 : ticks_left;
  if (ticks_left == 0) {
    spinning->cell = spinning->exit;
    spinning = NULL;
    (void)vmi_timer_set(0);
  }
}

uint32_t guest_call(uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t number) {
  (void)a2;
  (void)a3;
  switch (number) {
    case CALL_ECHO:
      return ~a0;
    case CALL_SPIN:
      spin_start((struct run *)a0, a1, vmi_info_page()->tick_us);
      return VMI_OK;
    case CALL_CRASH_WAIT:
      (void)vmi_task_suspend(TASK_CRASHER);
      guest_dispatch();
    case CALL_FINISHED:
      report_done();
      (void)vmi_task_suspend(TASK_WORKER);
      guest_dispatch();
    default:
      return (uint32_t)VMI_ENOCALL;
  }
}

/* A VMI call from the kernel, in all four ways. */
static void test_call(const char *name, uint32_t number, uint32_t results, uint32_t *random) {
  struct report report = {name, 0, 0};

  for (unsigned i = 0; i < ROUNDS * WAYS; i++) {
    const struct event *event = &events_svc[i % WAYS];

    registers_fill(&in, random);
    in.r[12] = number;
    in.r[1] = 0; /* length of VMI_CONSOLE_WRITE */
    run_prepare(&own_run, event);
    registers_run(&in, &own_run);
    registers_same(&report, &in, &own_run, results);
    report_equal(&report, "stored word", own_run.scratch, word_for(event, in.r[5]));
  }
  report_end(&report);
}

/* Interrupted in kernel mode: start.S returns without a trap. Only little endian: docs/vmi.md, vCPU page. */
static void test_interrupt(uint32_t *random, uint32_t tick_us) {
  struct report report = {"kernel.interrupt", 0, 0};

  for (unsigned i = 0; i < ROUNDS * WAYS; i++) {
    const struct event *event = &events_spin[i % 2];

    registers_fill(&in, random);
    run_prepare(&own_run, event);
    spin_start(&own_run, CRASH_NONE, tick_us);
    vcpu_unmask();
    registers_run(&in, &own_run);
    vcpu_mask();
    registers_same(&report, &in, &own_run, 0);
    report_equal(&report, "ticks left", ticks_left, 0);
  }
  report_end(&report);
}

void guest_main(const struct vmi_info *info) {
  uint32_t random = 77 * (info->vm + 1);
  struct report tasks = {"kernel.start_tasks", 0, 0};

  vcpu_enable(VMI_IRQ_TIMER);
  test_call("kernel.version", VMI_VERSION, 1, &random);
  test_call("kernel.time", VMI_TIME, 3, &random);
  test_call("kernel.console_write", VMI_CONSOLE_WRITE, 1, &random);
  test_call("kernel.yield", VMI_YIELD, 1, &random);
  test_call("kernel.irq_poll", VMI_IRQ_POLL, 1, &random);
  test_call("kernel.no_call", 0x99, 1, &random);
  test_call("kernel.guest_call", VMI_GUEST_CALL, 1, &random);
  test_interrupt(&random, info->tick_us);
  report_equal(&tasks, "worker", (uint32_t)raw_task_start(TASK_WORKER), VMI_OK);
  report_equal(&tasks, "crasher", (uint32_t)raw_task_start(TASK_CRASHER), VMI_OK);
  report_end(&tasks);
}
