/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a VM (R3). */
#include "lib/print.h"
#include "lib/vmi_manage.h"
#include "vm0/command.h"
#include "vm0/describe.h"
#include "vm0/lookup.h"
#include "vm0/vm_operation.h"
#include "vmi_fault_words.h"

void command_list(const struct words *words) {
  struct vmi_vm_info info;

  (void)words;
  print("%2s  %-15s %-8s %-15s %8s %5s %14s  %s\n", "VM", "NAME", "STATE", "GUEST", "PRIORITY", "TASKS", "MEMORY [KiB]",
        "OUTPUT");
  for (uint32_t vm = 0; vmi_vm_info(vm, &info) == VMI_OK; vm++) {
    print("%2u  %-15s %-8s %-15s %8u %5u %6u of %4u  %s%s%s", (unsigned)vm, info.name, describe_state(info.state),
          info.guest, (unsigned)info.priority, (unsigned)info.task_count, (unsigned)(info.memory_used / 1024),
          (unsigned)(info.memory_size / 1024), describe_output(info.output_commit),
          info.pair.standby_for != VMI_VM_NONE ? "  standby of " : "",
          info.pair.standby_for != VMI_VM_NONE ? vm_name(info.pair.standby_for) : "");
    print(info.boot >= VMI_BOOT_VECTORS ? "  boot failed: %s\n" : "\n", vmi_boot_words(info.boot));
  }
}

void command_guests(const struct words *words) {
  struct vmi_guest_info info;

  (void)words;
  print("%5s  %-15s %5s %12s\n", "GUEST", "NAME", "TASKS", "NEEDS [KiB]");
  for (uint32_t guest = 0; vmi_guest_info(guest, &info) == VMI_OK; guest++) {
    print("%5u  %-15s %5u %12u\n", (unsigned)guest, info.name, (unsigned)info.task_count,
          (unsigned)((info.memory_needed + 1023) / 1024));
  }
}

void command_create(const struct words *words) {
  const char *command = words->word[0];
  uint32_t vm;
  uint32_t guest = VMI_GUEST_CONFIGURED;

  if (!lookup_vm(command, words->word[1], &vm) ||
      (words->count > 2 && !lookup_guest(command, words->word[2], &guest))) {
    return;
  }
  if (operation_succeeded(command, vm, vmi_vm_create(vm, guest))) {
    print_vm_state(vm);
  }
}

void command_boot(const struct words *words) {
  const char *command = words->word[0];
  struct vmi_vm_info info;
  uint32_t vm;

  if (!lookup_vm(command, words->word[1], &vm) || !operation_succeeded(command, vm, vmi_vm_info(vm, &info))) {
    return;
  }
  if (info.state == VMI_VM_EMPTY && !operation_succeeded(command, vm, vmi_vm_create(vm, VMI_GUEST_CONFIGURED))) {
    return;
  }
  if (operation_succeeded(command, vm, vmi_vm_start(vm))) {
    print_vm_state(vm);
  }
}

static void operate(const struct words *words, int32_t (*operation)(uint32_t vm)) {
  uint32_t vm;

  if (lookup_vm(words->word[0], words->word[1], &vm) && operation_succeeded(words->word[0], vm, operation(vm))) {
    print_vm_state(vm);
  }
}

void command_start(const struct words *words) {
  operate(words, vmi_vm_start);
}

void command_stop(const struct words *words) {
  operate(words, vmi_vm_stop);
}

void command_pause(const struct words *words) {
  operate(words, vmi_vm_pause);
}

void command_resume(const struct words *words) {
  operate(words, vmi_vm_resume);
}

void command_destroy(const struct words *words) {
  operate(words, vmi_vm_destroy);
}

static void print_pair(const struct vmi_vm_info *info) {
  if (info->pair.standby == VMI_VM_NONE) {
    print("takeover: VM \"%s\" has no standby\n", info->name);
  } else {
    print("takeover: not possible for VM \"%s\" now (state: %s; its standby %s: %s, has %s)\n", info->name,
          describe_state(info->state), vm_name(info->pair.standby), vm_state(info->pair.standby),
          describe_duplicate(info->pair.duplicate));
  }
}

void command_takeover(const struct words *words) {
  const char *command = words->word[0];
  struct vmi_vm_info info;
  uint32_t vm;

  if (!lookup_vm(command, words->word[1], &vm) || !operation_succeeded(command, vm, vmi_vm_info(vm, &info))) {
    return;
  }
  if (vmi_vm_take_over(vm) == VMI_OK) {
    print_vm_state(vm);
  } else {
    print_pair(&info);
  }
}
