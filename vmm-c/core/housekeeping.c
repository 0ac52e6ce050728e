// SPDX-License-Identifier: Apache-2.0
#include "core/housekeeping.h"

void housekeeping(void) {
}
