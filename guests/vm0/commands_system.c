/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/print.h"
#include "lib/vcpu.h"
#include "lib/vmi_manage.h"
#include "vm0/command.h"

void command_version(const struct words *words) {
  const struct vmi_info *info = vmi_info_page();

  (void)words;
  print("VMI %d (console built for VMI %d), tick %u us\n", (int)vmi_version(), VMI_ABI_VERSION,
        (unsigned)info->tick_us);
}

void command_shutdown(const struct words *words) {
  print("%s: the system stops\n", words->word[0]);
  (void)vmi_halt();
}
