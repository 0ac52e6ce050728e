/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant 2, from an ordinary guest kernel, which then starts the hostile task. */
#include "hostile.h"
#include "lib/guest.h"
#include "lib/vcpu.h"
#include "raw_tasks.h"

static void start_tasks(void) {
  struct report report = {"hostile.start_tasks", 0, 0};

  for (uint32_t task = 0; task < os_task_count; task++) {
    (void)vmi_task_delete(task); /* a hostile VMI_TASK_CREATE may have succeeded */
    report_equal(&report, "create", (uint32_t)raw_task_create(task), VMI_OK);
  }
  report_equal(&report, "resume", (uint32_t)vmi_task_resume(0),
               VMI_OK); /* the other one is only somebody else's memory */
  report_end(&report);
}

uint32_t guest_call(uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t number) {
  (void)a0;
  (void)a1;
  (void)a2;
  (void)a3;
  if (number == CALL_FINISHED) {
    (void)vmi_task_suspend(vcpu_page()->current_task);
    report_done();
    guest_dispatch();
  }
  return CALL_ANSWER;
}

/* What the VMM writes goes only where the kernel may write. */
static void test_pointers(void) {
  static char own[4];
  struct report report = {"hostile.pointers_of_kernel", 0, 0};
  const uint32_t refused[] = {0,          VMI_KERNEL_BASE, VMI_SHARED_BASE, VMI_TASK_BASE, VMI_INFO_PAGE,
                              0x60000000, 0x10009000};

  report_equal(&report, "own memory", (uint32_t)vmi_console_read(own, sizeof(own)), 0);
  report_equal(&report, "vCPU page", (uint32_t)vmi_call2(VMI_CONSOLE_READ, VMI_VCPU_PAGE + 0x800, 4), 0);
  for (uint32_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
    report_equal(&report, "answer", (uint32_t)vmi_call2(VMI_CONSOLE_READ, refused[i], 4), (uint32_t)VMI_EFAULT);
  }
  report_end(&report);
}

void guest_main(const struct vmi_info *info) {
  struct report report = {"hostile.kernel", 0, 0};

  (void)info;
  test_pointers();
  hostile_numbers(&report, HOSTILE_KERNEL, 0, HOSTILE_NUMBERS, hostile_prepare);
  (void)vmi_timer_set(0);
  print("\n");
  report_end(&report);
  start_tasks();
}
