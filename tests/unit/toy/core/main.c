/* SPDX-License-Identifier: Apache-2.0 */
/* The least that links with the generated tables. */
#include "core/config.h"

void vmm_main(void);

static const void *volatile used[5];

void vmm_main(void) {
  used[0] = config_vms;
  used[1] = config_guests;
  used[2] = config_build_id;
  used[3] = config_system_name;
  used[4] = config_channels;
  for (;;) {
  }
}
