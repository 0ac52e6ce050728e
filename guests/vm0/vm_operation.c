/* SPDX-License-Identifier: Apache-2.0 */
#include "vm0/vm_operation.h"

#include "lib/print.h"
#include "lib/vmi_manage.h"
#include "vm0/describe.h"
#include "vm0/lookup.h"
#include "vmi_fault_words.h"

const char *vm_state(uint32_t vm) {
  struct vmi_vm_info info;

  return vmi_vm_info(vm, &info) == VMI_OK ? describe_state(info.state) : "gone";
}

static const char *image_problem(uint32_t vm) {
  struct vmi_vm_info info;

  return vmi_vm_info(vm, &info) == VMI_OK ? vmi_boot_words(info.boot) : "gone";
}

/* A standby does nothing but wait; who wants it to run must know how. */
static void print_state_error(const char *command, uint32_t vm) {
  struct vmi_vm_info info;

  print("%s: not possible for VM \"%s\" now (state: %s)", command, vm_name(vm), vm_state(vm));
  if (vmi_vm_info(vm, &info) == VMI_OK && info.state == VMI_VM_STANDBY) {
    print("; 'takeover %s' lets it run", vm_name(info.pair.standby_for));
  }
  print("\n");
}

bool operation_succeeded(const char *command, uint32_t vm, int32_t result) {
  switch (result) {
    case VMI_OK:
      return true;
    case VMI_ESTATE:
      print_state_error(command, vm);
      return false;
    case VMI_EPERM:
      print("%s: VM \"%s\" is the management VM and must keep running\n", command, vm_name(vm));
      return false;
    case VMI_EIMAGE:
      print("%s: VM \"%s\": %s\n", command, vm_name(vm), image_problem(vm));
      return false;
    default:
      print("%s: VM \"%s\": %s (%d)\n", command, vm_name(vm), describe_error(result), (int)result);
      return false;
  }
}

void print_vm_state(uint32_t vm) {
  print("%s: %s\n", vm_name(vm), vm_state(vm));
}
