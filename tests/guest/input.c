/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D9, invariant 4: input that was read since the checkpoint is read again after a rollback, and what the VMM wrote into the
 * buffer is rolled back like any other write. The host types one character of "hello" after each "TYPE": all of them are
 * there before the checkpoint, however slowly they come, and no VMI_WAIT, which would be another one, lies between it and
 * the fault.
 */
#include "lib/guest.h"
#include "lib/string.h"
#include "lib/vcpu.h"
#include "report.h"

#define LENGTH 5u
#define FILL '#'

static char buffer[2 * VMI_PAGE_SIZE]; /* two whole pages at least partly: both are armed at the checkpoint */

static char *place(void) {
  return &buffer[VMI_PAGE_SIZE - 2]; /* across a page boundary, wherever the buffer begins */
}

/* LENGTH interrupts of the console, one a character. */
static void let_type(void) {
  for (uint32_t i = 0; i < LENGTH; i++) {
    (void)vcpu_take_irqs(VMI_IRQ_CONSOLE);
    print("TYPE\n");
    while ((vcpu_page()->irq_pending & VMI_IRQ_CONSOLE) == 0) {
      (void)vmi_yield();
    }
  }
}

/* Returns once the checkpoint is taken, and again after the rollback: the bystander lets the yield switch VMs. */
static bool is_first_return(uint32_t recoveries) {
  (void)vmi_yield();
  return vmi_info_page()->recoveries == recoveries;
}

static void test_input(const struct vmi_info *info) {
  struct report report = {"input.read_again", 0, 0};
  char again[LENGTH + 1] = "";

  memset(buffer, FILL, sizeof(buffer));
  let_type();
  if (is_first_return(info->recoveries)) {
    report_equal(&report, "read", (uint32_t)vmi_console_read(place(), LENGTH), LENGTH);
    print("READ %.5s\n", place());
    __asm__ volatile("udf #0");
  }
  for (uint32_t i = 0; i < sizeof(buffer); i++) {
    report_equal(&report, "buffer", (uint32_t)buffer[i], FILL);
  }
  report_equal(&report, "read again", (uint32_t)vmi_console_read(again, LENGTH), LENGTH);
  report_check(&report, strcmp(again, "hello") == 0, again);
  report_equal(&report, "recoveries", info->recoveries, 1);
  report_end(&report);
}

void guest_main(const struct vmi_info *info) {
  vcpu_enable(VMI_IRQ_CONSOLE);
  test_input(info);
  report_done();
}
