/* SPDX-License-Identifier: Apache-2.0 */
#include "core/switch.h"

#include "core/recovery.h"

void switch_to_vm(struct vm *next) {
  switch_from_vm();
  vm_enter(next);
}
