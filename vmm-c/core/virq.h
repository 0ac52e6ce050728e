/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual interrupts (R2, R35, R36): lines, masks and pending bits live in the vCPU page. */
#ifndef CORE_VIRQ_H
#define CORE_VIRQ_H

#include "core/vm.h"

/* Raise `lines` (VMI_IRQ_...) in VM number `vm`; wakes it from VMI_WAIT. Ignored while the VM has no memory. */
void virq_raise(unsigned vm, uint32_t lines);

static inline uint32_t virq_deliverable(const struct vm *vm) {
  return vm->vcpu->irq_pending & vm->vcpu->irq_enabled;
}

/* Make vm's next instruction the one at its interrupt vector. */
void virq_enter(struct vm *vm);

static inline void virq_deliver(struct vm *vm) {
  if (virq_deliverable(vm) != 0 && !(vm_in_kernel(vm) && vm->vcpu->irq_masked != 0)) {
    virq_enter(vm);
  }
}

#endif
