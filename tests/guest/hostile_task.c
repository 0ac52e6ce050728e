/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant 2, from a task. */
#include "hostile.h"

static bool prepare(uint32_t number) {
  return number != CALL_FINISHED && number != VMI_PANIC;
}

struct pointer {
  const char *name;
  uint32_t address;
  uint32_t length;
  int32_t answer;
};

/* A pointer argument gives the caller no access that it does not have. */
static void test_pointers(void) {
  static const char own[4] = "\n\n\n";
  const struct pointer pointers[] = {
      {"own memory", vmi_address(own), 3, 3},
      {"shared memory", VMI_SHARED_BASE, 1, 1},
      {"info page", VMI_INFO_PAGE + 0xffd, 3, 3},
      {"end of the info page", VMI_INFO_PAGE + 0xffd, 4, VMI_EFAULT},
      {"null", 0, 1, VMI_EFAULT},
      {"null, nothing", 0, 0, 0},
      {"kernel", VMI_KERNEL_BASE, 1, VMI_EFAULT},
      {"vCPU page", VMI_VCPU_PAGE, 4, VMI_EFAULT},
      {"other task", VMI_TASK_BASE + VMI_WINDOW_SIZE, 1, VMI_EFAULT},
      {"VMM", 0x60000000, 1, VMI_EFAULT},
      {"device", 0x10009000, 1, VMI_EFAULT},
      {"wrap", 0xfffffff0, 32, VMI_EFAULT},
      {"too long", vmi_address(own), 257, VMI_EINVAL},
  };
  struct report report = {"hostile.pointers_of_task", 0, 0};

  for (uint32_t i = 0; i < sizeof(pointers) / sizeof(pointers[0]); i++) {
    int32_t answer = vmi_call2(VMI_CONSOLE_WRITE, pointers[i].address, pointers[i].length);

    report_equal(&report, pointers[i].name, (uint32_t)answer, (uint32_t)pointers[i].answer);
  }
  print("\n");
  report_end(&report);
}

void hostile_task(void *argument) {
  struct report report = {"hostile.task", 0, 0};

  (void)argument;
  test_pointers();
  hostile_numbers(&report, HOSTILE_TASK, 0, HOSTILE_NUMBERS, prepare);
  print("\n");
  report_end(&report);
  (void)vmi_call0(CALL_FINISHED);
}
