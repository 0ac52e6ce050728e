/* SPDX-License-Identifier: Apache-2.0 */
/* Without checkpoints there is nothing to duplicate; the image builder refuses a standby. */
#include "core/standby.h"

void standby_duplicate(void) {
}

void standby_forget(const struct vm *vm) {
  (void)vm;
}

bool standby_is_whole(const struct vm *vm) {
  (void)vm;
  return false;
}

bool standby_take_over(struct vm *primary, struct vmi_fault *record) {
  (void)primary;
  (void)record;
  return false;
}

void standby_describe(const struct vm *vm, struct vmi_pair *info) {
  (void)vm;
  *info = (struct vmi_pair){.standby = VMI_VM_NONE, .standby_for = VMI_VM_NONE};
}
