/* SPDX-License-Identifier: Apache-2.0 */
/* Says the next number at each end of its timer's period. */
#include "lib/guest.h"
#include "lib/print.h"
#include "lib/vcpu.h"

void guest_main(const struct vmi_info *info) {
  uint32_t number = 0;

  vcpu_enable(VMI_IRQ_TIMER);
  (void)vmi_timer_set(10u * info->tick_us);
  for (;;) {
    (void)vmi_wait();
    (void)vcpu_take_irqs(VMI_IRQ_TIMER);
    (void)vcpu_take_ticks();
    print("%u\n", (unsigned)number++);
  }
}
