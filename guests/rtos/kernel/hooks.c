/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults of the hooks: an application's kernel-side source replaces those it defines itself. */
#include "kernel.h"

__attribute__((weak)) void OSTimeTickHook(void) {
}

__attribute__((weak)) INT32U OSAppCallHook(INT32U function, INT32U argument) {
  (void)function;
  (void)argument;
  return 0;
}
