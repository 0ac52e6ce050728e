/* SPDX-License-Identifier: Apache-2.0 */
#include "vm0/vm_operation.h"

#include "lib/print.h"
#include "lib/vmi_manage.h"
#include "vm0/describe.h"
#include "vm0/lookup.h"

static const char *state_of(uint32_t vm) {
  struct vmi_vm_info info;

  return vmi_vm_info(vm, &info) == VMI_OK ? describe_state(info.state) : "gone";
}

bool operation_succeeded(const char *command, uint32_t vm, int32_t result) {
  switch (result) {
    case VMI_OK:
      return true;
    case VMI_ESTATE:
      print("%s: not possible for VM \"%s\" now (state: %s)\n", command, vm_name(vm), state_of(vm));
      return false;
    case VMI_EPERM:
      print("%s: VM \"%s\" is the management VM and must keep running\n", command, vm_name(vm));
      return false;
    default:
      print("%s: VM \"%s\": %s (%d)\n", command, vm_name(vm), describe_error(result), (int)result);
      return false;
  }
}

void print_vm_state(uint32_t vm) {
  print("%s: %s\n", vm_name(vm), state_of(vm));
}
