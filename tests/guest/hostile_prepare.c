/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile.h"
#include "lib/vcpu.h"

#define PENDING 0x80000000u /* a line nobody raises: VMI_WAIT returns at once */

bool hostile_prepare(uint32_t number) {
  volatile struct vmi_vcpu *vcpu = vcpu_page();

  vcpu->irq_masked = 1;
  vcpu->irq_enabled = PENDING;
  vcpu->irq_pending = PENDING;
  if (number == VMI_TASK_SWITCH || number == VMI_TASK_RETURN) {
    for (uint32_t task = 0; task < vmi_info_page()->task_count; task++) {
      (void)vmi_task_suspend(task);
    }
  }
  return number != VMI_PANIC;
}
