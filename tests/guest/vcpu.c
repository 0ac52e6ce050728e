/* SPDX-License-Identifier: Apache-2.0 */
/* R2, R35, R36: virtual interrupts and the timer of a kernel without tasks. */
#include "lib/guest.h"
#include "lib/vcpu.h"
#include "report.h"

#define WORK 200000u /* loop turns: several ticks long */

static volatile uint32_t interrupts; /* entries of the handler */
static volatile uint32_t ticks;      /* timer periods taken by it */
static volatile uint32_t depth;
static volatile uint32_t deepest;
static volatile bool nest; /* the handler unmasks and waits for one more interrupt inside itself */

static void wait_nested(void) {
  uint32_t before = interrupts;

  nest = false;
  vcpu_unmask();
  while (interrupts == before) {
  }
  vcpu_mask();
}

void guest_irq(uint32_t lines) {
  (void)lines;
  depth++;
  deepest = depth > deepest ? depth : deepest;
  interrupts++;
  ticks += vcpu_take_ticks();
  if (nest) {
    wait_nested();
  }
  depth--;
}

/* Some thousand instructions whose result shows whether a register was lost on the way. */
static uint32_t work(uint32_t turns) {
  uint32_t a = 1;
  uint32_t b = 2;
  uint32_t c = 3;

  for (uint32_t i = 0; i < turns; i++) {
    a = a * 5 + b;
    b = (b ^ a) + c;
    c = (c >> 1) | (a << 31);
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c));
  }
  return a ^ b ^ c;
}

static void test_information(const struct vmi_info *info) {
  struct report report = {"vcpu.information", 0, 0};

  report_equal(&report, "VMI_VERSION", (uint32_t)vmi_version(), VMI_ABI_VERSION);
  report_equal(&report, "abi_version", info->abi_version, VMI_ABI_VERSION);
  report_equal(&report, "task_count", info->task_count, 0);
  report_equal(&report, "starts", info->starts, 1);
  report_equal(&report, "current_task", vcpu_page()->current_task, VMI_TASK_KERNEL);
  report_equal(&report, "irq_masked", vcpu_page()->irq_masked, 1);
  report_check(&report, info->tick_us != 0 && info->name[0] != '\0', "empty information");
  report_end(&report);
}

static void test_time(void) {
  struct report report = {"vcpu.time", 0, 0};
  uint64_t before = vmi_time();

  for (int i = 0; i < 100; i++) {
    uint64_t now = vmi_time();

    report_check(&report, now > before, "the time does not grow");
    before = now;
  }
  report_end(&report);
}

static void test_masked(uint32_t tick_us) {
  struct report report = {"vcpu.masked", 0, 0};

  interrupts = 0;
  report_equal(&report, "VMI_TIMER_SET", (uint32_t)vmi_timer_set(tick_us), VMI_OK);
  (void)work(WORK);
  (void)vmi_timer_set(0); /* or one more may come between two of the lines below */
  report_equal(&report, "interrupts", interrupts, 0);
  report_check(&report, (vcpu_page()->irq_pending & VMI_IRQ_TIMER) != 0, "the timer is not pending");
  (void)vmi_irq_poll();
  report_equal(&report, "interrupts after a poll while masked", interrupts, 0);
  vcpu_unmask();
  report_equal(&report, "interrupts after unmasking", interrupts, 1);
  vcpu_mask();
  report_end(&report);
}

static void test_not_enabled(uint32_t tick_us) {
  struct report report = {"vcpu.not_enabled", 0, 0};

  (void)vmi_timer_set(tick_us);
  vcpu_page()->irq_enabled = 0;
  vcpu_unmask();
  interrupts = 0;
  (void)work(WORK);
  (void)vmi_timer_set(0);
  report_equal(&report, "interrupts", interrupts, 0);
  report_check(&report, (vcpu_page()->irq_pending & VMI_IRQ_TIMER) != 0, "the timer is not pending");
  vcpu_enable(VMI_IRQ_TIMER);
  (void)vmi_irq_poll();
  report_equal(&report, "interrupts once enabled", interrupts, 1);
  vcpu_mask();
  report_end(&report);
}

static void test_interrupted_work(uint32_t tick_us) {
  struct report report = {"vcpu.interrupted_work", 0, 0};
  uint32_t expected = work(WORK); /* masked */

  (void)vmi_timer_set(tick_us);
  interrupts = 0;
  vcpu_unmask();
  report_equal(&report, "result", work(WORK), expected);
  vcpu_mask();
  report_check(&report, interrupts > 2, "not interrupted");
  report_end(&report);
}

static void test_nested(void) {
  struct report report = {"vcpu.nested", 0, 0};
  uint32_t expected = work(WORK);

  deepest = 0;
  nest = true;
  vcpu_unmask();
  report_equal(&report, "result", work(WORK), expected);
  vcpu_mask();
  report_equal(&report, "depth", deepest, 2);
  report_equal(&report, "depth at the end", depth, 0);
  report_end(&report);
}

/* No period is lost, however long interrupts were masked, and none is invented. */
static void test_ticks(uint32_t tick_us) {
  struct report report = {"vcpu.ticks", 0, 0};
  const uint32_t timer_per_tick = tick_us * 100; /* 10 ns units */

  for (uint32_t period = 1; period <= 4; period++) {
    uint64_t start;
    uint32_t elapsed;

    (void)vmi_timer_set(period * tick_us);
    (void)vcpu_take_ticks();
    ticks = 0;
    start = vmi_time();
    (void)work(5 * WORK);
    vcpu_unmask();
    (void)work(5 * WORK);
    vcpu_mask();
    ticks += vcpu_take_ticks();
    elapsed = (uint32_t)(vmi_time() - start) / (period * timer_per_tick);
    report_check(&report, ticks + 1 >= elapsed && ticks <= elapsed + 1, "wrong number of ticks");
  }
  report_end(&report);
}

static void test_wait(uint32_t tick_us) {
  struct report report = {"vcpu.wait", 0, 0};
  uint64_t start;

  (void)vmi_timer_set(10 * tick_us);
  (void)vcpu_take_irqs(VMI_IRQ_TIMER);
  start = vmi_time();
  report_equal(&report, "lines", vmi_wait(), VMI_IRQ_TIMER);
  report_check(&report, vmi_time() - start > 5 * 100 * (uint64_t)tick_us, "did not wait");
  report_equal(&report, "lines that are pending already", vmi_wait(), VMI_IRQ_TIMER);
  (void)vcpu_take_irqs(VMI_IRQ_TIMER);
  interrupts = 0;
  vcpu_unmask();
  report_equal(&report, "lines, not masked", vmi_wait(), VMI_IRQ_TIMER);
  report_equal(&report, "interrupts, not masked", interrupts, 1);
  vcpu_mask();
  report_end(&report);
}

static void test_timer_arguments(uint32_t tick_us) {
  struct report report = {"vcpu.timer_arguments", 0, 0};

  report_equal(&report, "half a tick", (uint32_t)vmi_timer_set(tick_us / 2), (uint32_t)VMI_EINVAL);
  report_equal(&report, "one and a half", (uint32_t)vmi_timer_set(tick_us * 3 / 2), (uint32_t)VMI_EINVAL);
  report_equal(&report, "63 ticks", (uint32_t)vmi_timer_set(63 * tick_us), VMI_OK);
  report_equal(&report, "64 ticks", (uint32_t)vmi_timer_set(64 * tick_us), (uint32_t)VMI_EINVAL);
  report_equal(&report, "huge", (uint32_t)vmi_timer_set(0xffffffff), (uint32_t)VMI_EINVAL);
  report_equal(&report, "stop", (uint32_t)vmi_timer_set(0), VMI_OK);
  (void)vcpu_take_irqs(VMI_IRQ_TIMER);
  (void)vcpu_take_ticks();
  (void)work(WORK);
  report_equal(&report, "pending after the stop", vcpu_page()->irq_pending & VMI_IRQ_TIMER, 0);
  report_equal(&report, "ticks after the stop", vcpu_page()->ticks, 0);
  report_end(&report);
}

/* No task exists: the calls about tasks say so. */
static void test_no_tasks(void) {
  struct report report = {"vcpu.no_tasks", 0, 0};

  report_equal(&report, "VMI_TASK_SWITCH", (uint32_t)vmi_task_switch(VMI_TASK_NEXT), (uint32_t)VMI_EAGAIN);
  report_equal(&report, "VMI_TASK_SWITCH 0", (uint32_t)vmi_task_switch(0), (uint32_t)VMI_ENOENT);
  report_equal(&report, "VMI_TASK_RETURN", (uint32_t)vmi_task_return(0, 0), (uint32_t)VMI_ENOENT);
  report_end(&report);
}

void guest_main(const struct vmi_info *info) {
  test_information(info);
  test_time();
  vcpu_enable(VMI_IRQ_TIMER);
  test_masked(info->tick_us);
  test_not_enabled(info->tick_us);
  test_interrupted_work(info->tick_us);
  test_nested();
  test_ticks(info->tick_us);
  test_wait(info->tick_us);
  test_timer_arguments(info->tick_us);
  test_no_tasks();
  report_done();
}
