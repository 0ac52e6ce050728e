/* SPDX-License-Identifier: Apache-2.0 */
/* Validation in the background: a damaged table is found before a rollback relies on it, and right after one did. */
#include "core/fault.h"
#include "core/recovery.h"
#include "recovery/pages.h"
#include "recovery/validate.h"

#define STEP_PAGES 8u
#define STEP_BYTES 64u /* of text are checked in the same time */

/* What comes next: in window 0, which holds no page, the structures of the VM. */
static struct {
  uint32_t vm;
  uint32_t window;
  uint32_t page;
} at;
static uint32_t seen[VM_MAX]; /* recoveries of each VM when it was begun with */

static bool is_checked(const struct vm *vm) {
  return vm->tracked && (vm->run_state == VMI_VM_RUNNING || vm->run_state == VMI_VM_PAUSED);
}

static void begin(uint32_t vm) {
  at.vm = vm;
  at.window = 0;
  at.page = 0;
  seen[vm] = vms[vm].recoveries;
}

/* A VM that was rolled back comes first. */
static void look_for_recovered(void) {
  for (uint32_t i = 0; i < config_vm_count; i++) {
    if (vms[i].recoveries != seen[i] && is_checked(&vms[i])) {
      begin(i);
      return;
    }
  }
}

static void advance(const struct vm *vm) {
  at.page += STEP_PAGES;
  if (at.window == 0 || at.page >= L2_ENTRIES) {
    at.page = 0;
    do {
      at.window++;
    } while (at.window < WINDOW_COUNT && vm->pages[at.window] == NULL);
  }
  if (at.window == WINDOW_COUNT) {
    begin((at.vm + 1u) % config_vm_count);
  }
}

static bool look(const struct vm *vm, struct vmi_fault *what) {
  return at.window == 0 ? validate_vm(vm, what) : validate_pages(vm, at.window, at.page, STEP_PAGES, what);
}

uint32_t recovery_validate_step(void) {
  struct vmi_fault what = {0};
  look_for_recovered();
  struct vm *vm = &vms[at.vm];
  if (!is_checked(vm)) {
    begin((at.vm + 1u) % config_vm_count);
  } else if (look(vm, &what)) {
    advance(vm);
  } else {
    fault_event(vm, VMI_TASK_KERNEL, &what);
  }
  return STEP_BYTES;
}
