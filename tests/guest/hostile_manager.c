/* SPDX-License-Identifier: Apache-2.0 */
/* Invariant 2, from the kernel of the management VM. */
#include "hostile.h"
#include "lib/guest.h"
#include "lib/vmi_manage.h"

static uint32_t turn;

/* Brings VM 1 or 2 into another state, so that each call meets all states. */
static void change_state(void) {
  uint32_t vm = 1 + (turn & 1);

  turn++;
  switch (turn % 7) {
    case 0:
      (void)vmi_vm_pause(vm);
      break;
    case 1:
    case 3:
      (void)vmi_vm_create(vm, VMI_GUEST_CONFIGURED);
      break;
    case 2:
    case 4:
      (void)vmi_vm_start(vm);
      (void)vmi_yield(); /* let it run */
      break;
    case 5:
      (void)vmi_vm_resume(vm);
      break;
    default:
      (void)vmi_vm_stop(vm);
      break;
  }
}

static bool prepare(uint32_t number) {
  static uint32_t calls;

  if (number >= VMI_VM_INFO && number < VMI_CALL_COUNT && calls++ % 3 == 0) {
    change_state();
  }
  return number != VMI_HALT && hostile_prepare(number); /* it has no arguments and would succeed */
}

struct refusal {
  uint32_t number;
  uint32_t arguments[4];
  int32_t answer;
};

/* One exact answer for every way to refuse a management call; VM 1 runs, VM 2 is empty. */
static void test_refusals(void) {
  static struct vmi_vm_info buffer;
  const uint32_t to = vmi_address(&buffer);
  const struct refusal refusals[] = {
      {VMI_VM_INFO, {3, to}, VMI_ENOENT},
      {VMI_VM_INFO, {1, VMI_KERNEL_BASE}, VMI_EFAULT},
      {VMI_GUEST_INFO, {99, to}, VMI_ENOENT},
      {VMI_GUEST_INFO, {0, 0x60000000}, VMI_EFAULT},
      {VMI_TASK_INFO, {1, 2, to}, VMI_ENOENT},
      {VMI_TASK_INFO, {3, 0, to}, VMI_ENOENT},
      {VMI_TASK_INFO, {1, 0, VMI_INFO_PAGE}, VMI_EFAULT},
      {VMI_VM_CREATE, {1, VMI_GUEST_CONFIGURED}, VMI_ESTATE},
      {VMI_VM_CREATE, {2, 99}, VMI_ENOENT},
      {VMI_VM_CREATE, {3, 0}, VMI_ENOENT},
      {VMI_VM_START, {0}, VMI_ESTATE},
      {VMI_VM_START, {2}, VMI_ESTATE},
      {VMI_VM_STOP, {0}, VMI_EPERM},
      {VMI_VM_STOP, {2}, VMI_ESTATE},
      {VMI_VM_PAUSE, {0}, VMI_EPERM},
      {VMI_VM_PAUSE, {2}, VMI_ESTATE},
      {VMI_VM_RESUME, {1}, VMI_ESTATE},
      {VMI_VM_RESUME, {16}, VMI_ENOENT},
      {VMI_VM_DESTROY, {0}, VMI_EPERM},
      {VMI_VM_DESTROY, {2}, VMI_ESTATE},
      {VMI_VM_CHECKPOINT, {0}, VMI_ESTATE},
      {VMI_VM_CHECKPOINT, {2}, VMI_ESTATE},
      {VMI_VM_ROLLBACK, {0, VMI_TASK_KERNEL}, VMI_ESTATE},
      {VMI_VM_ROLLBACK, {1, 12}, VMI_ENOENT},
      {VMI_VM_ROLLBACK, {3, VMI_TASK_KERNEL}, VMI_ENOENT},
      {VMI_FAULT_READ, {0, to}, VMI_ENOENT},
      {VMI_FAULT_READ, {0x7fffffff, to}, VMI_EAGAIN},
      {VMI_POLICY_READ, {3, to}, VMI_ENOENT},
      {VMI_POLICY_READ, {1, VMI_KERNEL_BASE}, VMI_EFAULT},
      {VMI_POLICY_SET, {3, to}, VMI_ENOENT},
      {VMI_POLICY_SET, {1, 0}, VMI_EFAULT},
      {VMI_VM_LOG, {1, 0x7fffffff, to, 4}, VMI_EINVAL},
      {VMI_VM_LOG, {1, 0, VMI_KERNEL_BASE, 4}, VMI_EFAULT},
      {VMI_VM_LOG, {3, 0, to, 4}, VMI_ENOENT},
      {VMI_WATCH, {8}, VMI_EINVAL},
      {VMI_WATCH, {0x80000000}, VMI_EINVAL},
  };
  struct report report = {"hostile.refusals", 0, 0};

  for (uint32_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
    const uint32_t *a = refusals[i].arguments;
    int32_t answer = vmi_call(refusals[i].number, a[0], a[1], a[2], a[3]).value;

    report_equal(&report, "answer", (uint32_t)answer, (uint32_t)refusals[i].answer);
  }
  report_end(&report);
}

void guest_main(const struct vmi_info *info) {
  struct report report = {"hostile.manager", 0, 0};

  (void)info;
  test_refusals();
  hostile_numbers(&report, HOSTILE_MANAGER, 0, HOSTILE_NUMBERS, prepare);
  (void)vmi_watch(0);
  print("\n");
  report_end(&report);
  report_done();
}
