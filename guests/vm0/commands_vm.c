/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a VM (R3). */
#include "lib/print.h"
#include "lib/vmi_manage.h"
#include "vm0/command.h"
#include "vm0/describe.h"
#include "vm0/lookup.h"
#include "vm0/vm_operation.h"

void command_list(const struct words *words) {
  struct vmi_vm_info info;

  (void)words;
  print("%2s  %-15s %-8s %-15s %8s %5s %14s\n", "VM", "NAME", "STATE", "GUEST", "PRIORITY", "TASKS", "MEMORY [KiB]");
  for (uint32_t vm = 0; vmi_vm_info(vm, &info) == VMI_OK; vm++) {
    print("%2u  %-15s %-8s %-15s %8u %5u %6u of %4u\n", (unsigned)vm, info.name, describe_state(info.state), info.guest,
          (unsigned)info.priority, (unsigned)info.task_count, (unsigned)(info.memory_used / 1024),
          (unsigned)(info.memory_size / 1024));
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
