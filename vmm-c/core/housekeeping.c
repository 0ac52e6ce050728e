// SPDX-License-Identifier: Apache-2.0
#include "core/housekeeping.h"

#include "core/recovery.h"
#include "core/scrub.h"

void housekeeping(void) {
  scrub_step();
  recovery_promote();
}
