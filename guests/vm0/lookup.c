/* SPDX-License-Identifier: Apache-2.0 */
#include "vm0/lookup.h"

#include "lib/print.h"
#include "lib/string.h"
#include "lib/vmi_manage.h"
#include "vm0/parse.h"

/* The VMs and their names are fixed when the system is built: asked for once. */
static char vm_names[VMS_MAX][VMI_NAME_SIZE];
static uint32_t vms;

uint32_t vm_count(void) {
  struct vmi_vm_info info;

  while (vms < VMS_MAX && vmi_vm_info(vms, &info) == VMI_OK) {
    memcpy(vm_names[vms], info.name, VMI_NAME_SIZE);
    vms++;
  }
  return vms;
}

const char *vm_name(uint32_t vm) {
  return vm < vm_count() ? vm_names[vm] : "?";
}

const char *task_name(uint32_t vm, uint32_t task) {
  static struct vmi_task_info info;

  if (task == VMI_TASK_KERNEL) {
    return "kernel";
  }
  return vmi_task_info(vm, task, &info) == VMI_OK ? info.name : "?";
}

static const char *vm_name_at(const void *context, size_t index) {
  (void)context;
  return vm_name((uint32_t)index);
}

static const char *task_name_at(const void *context, size_t index) {
  return task_name(*(const uint32_t *)context, (uint32_t)index);
}

static const char *guest_name_at(const void *context, size_t index) {
  static struct vmi_guest_info info;

  (void)context;
  return vmi_guest_info((uint32_t)index, &info) == VMI_OK ? info.name : "?";
}

static bool lookup(const char *command, const char *what, const char *see, const struct names *names, const char *word,
                   uint32_t *index) {
  switch (find_name(names, word, index)) {
    case FIND_ONE:
      return true;
    case FIND_SEVERAL:
      print("%s: \"%s\" is the beginning of more than one %s; see '%s'\n", command, word, what, see);
      return false;
    default:
      print("%s: no %s \"%s\"; see '%s'\n", command, what, word, see);
      return false;
  }
}

bool lookup_vm(const char *command, const char *word, uint32_t *vm) {
  const struct names names = {vm_count(), vm_name_at, NULL};

  return lookup(command, "VM", "list", &names, word, vm);
}

bool lookup_task(const char *command, const char *word, uint32_t vm, uint32_t *task) {
  struct vmi_vm_info info;
  const struct names names = {vmi_vm_info(vm, &info) == VMI_OK ? info.task_count : 0, task_name_at, &vm};

  return lookup(command, "task", "tasks VM", &names, word, task);
}

bool lookup_guest(const char *command, const char *word, uint32_t *guest) {
  struct vmi_guest_info info;
  struct names names = {0, guest_name_at, NULL};

  while (vmi_guest_info((uint32_t)names.count, &info) == VMI_OK) {
    names.count++;
  }
  return lookup(command, "guest", "guests", &names, word, guest);
}

bool lookup_number(const char *command, const char *word, uint32_t *number) {
  if (!parse_number(word, number)) {
    print("%s: \"%s\" is not a number\n", command, word);
    return false;
  }
  return true;
}
