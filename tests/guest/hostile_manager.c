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

void guest_main(const struct vmi_info *info) {
  struct report report = {"hostile.manager", 0, 0};

  (void)info;
  hostile_numbers(&report, HOSTILE_MANAGER, 0, HOSTILE_NUMBERS, prepare);
  (void)vmi_watch(0);
  print("\n");
  report_end(&report);
  report_done();
}
