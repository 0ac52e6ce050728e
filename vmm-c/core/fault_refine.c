/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fault_refine.h"

#include "arch/armv7/fault_status.h"
#include "core/vm_memory.h"

/* Nobody else's stack is anybody's to overflow: what a guest kernel does in the window of a task is a wild pointer. */
static uint32_t own_window(const struct vm *vm) {
  return vm_in_kernel(vm) ? WINDOW_KERNEL : WINDOW_TASK + thread_number(vm, vm->thread);
}

static bool below_own_stack(const struct vm *vm, uint32_t address) {
  for (uint32_t i = 0; i < vm->guest->segment_count; i++) {
    const struct segment_config *segment = &vm->guest->segments[i];
    if (segment->stack && segment->va / VMI_WINDOW_SIZE == own_window(vm)) {
      return address < segment->va && segment->va - address <= STACK_GUARD;
    }
  }
  return false;
}

static bool mapped(const struct vm *vm, uint32_t address) {
  const uint32_t *entry = vm_entry(vm->active_pt, address);
  return entry != NULL && *entry != 0;
}

struct thread *fault_refine(const struct vm *vm, struct vmi_fault *record) {
  record->class &= (uint8_t)~FAULT_REFINE;
  if (record->class == VMI_CLASS_TRANSLATION && below_own_stack(vm, record->address)) {
    record->class = VMI_CLASS_STACK;
  } else if (record->class == VMI_CLASS_PERMISSION && mapped(vm, record->address)) {
    record->class = VMI_CLASS_EXECUTE;
  } else if (record->class == VMI_CLASS_DEBUG) {
    record->address = record->pc;
  } else if (record->class == VMI_CLASS_ASYNC) {
    record->kind = VMI_FAULT_ASYNC;
    record->write = 0;
    record->address = 0;
    record->pc = 0;
    return vm->kernel;
  }
  return vm->thread;
}
