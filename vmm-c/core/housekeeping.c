// SPDX-License-Identifier: Apache-2.0
#include "core/housekeeping.h"

#include "core/outside.h"
#include "core/recovery.h"
#include "core/scrub.h"
#include "core/standby.h"
#include "core/watchdog.h"

void housekeeping(void) {
  watchdog_look();
  outside_housekeeping();
  scrub_step();
  recovery_promote();
  standby_duplicate();
}
