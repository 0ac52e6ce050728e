/* SPDX-License-Identifier: Apache-2.0 */
#include "core/virq.h"

#include "core/recovery.h"
#include "core/sched.h"
#include "core/switch.h"

void virq_raise(unsigned index, uint32_t lines) {
  struct vm *vm = vm_numbered(index);
  if (vm->run_state == VMI_VM_EMPTY) {
    return;
  }
  vm->vcpu->irq_pending |= lines;
  vm->unsaved = 1;
  if (vm->state.waiting) {
    sched_update(vm);
  }
}

/* Interrupted kernel code is returned to by the guest itself, so it gets the PC and flags and keeps its registers. */
static void enter_from_kernel(struct vm *vm) {
  struct context *frame = recovery_edit_kernel(vm);
  vm->vcpu->irq_from = VMI_TASK_KERNEL;
  vm->vcpu->irq_pc = frame->pc;
  vm->vcpu->irq_cpsr = frame->cpsr;
  vm->vcpu->irq_masked = 1;
  frame->pc = VMI_KERNEL_BASE + VMI_VECTOR_IRQ;
  frame->cpsr = PSR_USR;
}

void virq_enter(struct vm *vm) {
  vm->signs.interrupts++;
  if (vm_in_kernel(vm)) {
    enter_from_kernel(vm);
  } else {
    vm->vcpu->irq_from = thread_number(vm, vm->thread);
    kernel_enter(vm, VMI_VECTOR_IRQ);
  }
}
