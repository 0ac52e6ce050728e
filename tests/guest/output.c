/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D9, D10: what is said between two checkpoints. The name of the VM chooses what it does:
 *   loud     says more than can be held between two of its checkpoints, and fails now and then
 *   once     says one line and never does anything else
 *   ticks    counts the periods of its timer, and fails now and then
 */
#include "fail_once.h"
#include "lib/guest.h"
#include "report.h"

#define LINES 2000u
#define FAULT_EVERY 40u
#define PERIOD 100000u /* of the timer, 1 ms, in units of the global timer */
#define PERIODS 1000u

static volatile uint32_t forever = 1;

static void say_much(void) {
  for (uint32_t n = 0; n < LINES; n++) {
    print("line %u of many, all of them in order and each of them once\n", (unsigned)n);
    fail_once(FAULT_EVERY);
  }
  report_done();
}

static void say_once(void) {
  print("once\n");
  while (forever != 0) {
  }
}

static uint32_t wait_for_ticks(void) {
  (void)vmi_wait();
  (void)vcpu_take_irqs(VMI_IRQ_TIMER);
  return vcpu_take_ticks();
}

/* The time of the guest is its count of periods: it follows the clock through all rollbacks, late but never ahead. */
static void follow_the_clock(uint32_t start, uint32_t *count) {
  struct report report = {"output.ticks", 0, 0};

  while (*count < PERIODS) {
    *count += wait_for_ticks();
    uint32_t elapsed = ((uint32_t)vmi_time() - start) / PERIOD;
    report_check(&report, *count <= elapsed + 1, "ahead of the clock");
    report_check(&report, *count + 2 >= elapsed, "behind the clock");
    fail_once(FAULT_EVERY);
  }
  report_end(&report);
  report_done();
}

/* A line each time that periods were missed. */
static void count_ticks(void) {
  uint32_t start = (uint32_t)vmi_time();
  uint32_t count = 0;

  vcpu_enable(VMI_IRQ_TIMER);
  (void)vmi_timer_set(1000);
  follow_the_clock(start, &count);
  while (forever != 0) {
    uint32_t ticks = wait_for_ticks();

    count += ticks;
    if (ticks > 5) {
      print("missed %u count %u of %u\n", (unsigned)ticks, (unsigned)count,
            (unsigned)(((uint32_t)vmi_time() - start) / PERIOD));
    }
  }
}

void guest_main(const struct vmi_info *info) {
  switch (info->name[0]) {
    case 'l':
      say_much();
      break;
    case 'o':
      say_once();
      break;
    default:
      count_ticks();
      break;
  }
}
