/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D9, invariant 4: input that was read since the checkpoint is read again after a rollback, and what the VMM wrote into the
 * buffer is rolled back like any other write. The host types "hello" when it sees "READY".
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

/* Blocks until LENGTH characters were read. */
static void read_input(char *to) {
  uint32_t count = 0;

  while (count < LENGTH) {
    int32_t taken = vmi_console_read(to + count, LENGTH - count);

    count += taken > 0 ? (uint32_t)taken : 0;
    if (taken == 0) {
      (void)vmi_wait();
      (void)vcpu_take_irqs(VMI_IRQ_CONSOLE);
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
  print("READY\n");
  while ((vcpu_page()->irq_pending & VMI_IRQ_CONSOLE) == 0) {
    (void)vmi_yield(); /* no VMI_WAIT: the checkpoint below shall be the last one before the fault */
  }
  if (is_first_return(info->recoveries)) {
    read_input(place());
    print("READ %.5s\n", place());
    __asm__ volatile("udf #0");
  }
  for (uint32_t i = 0; i < sizeof(buffer); i++) {
    report_equal(&report, "buffer", (uint32_t)buffer[i], FILL);
  }
  read_input(again);
  report_check(&report, strcmp(again, "hello") == 0, again);
  report_equal(&report, "recoveries", info->recoveries, 1);
  report_end(&report);
}

void guest_main(const struct vmi_info *info) {
  vcpu_enable(VMI_IRQ_CONSOLE);
  test_input(info);
  report_done();
}
