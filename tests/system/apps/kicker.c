/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel side of a guest that is never idle: each tick is a sign of life. */
#include "ucos_ii.h"
#include "vcpu.h"

void OSTimeTickHook(void);

void OSTimeTickHook(void) {
  vcpu_kick();
}
