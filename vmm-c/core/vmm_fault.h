/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_VMM_FAULT_H
#define CORE_VMM_FAULT_H

#include <stdint.h>

/* As vectors.S pushes them. */
struct vmm_registers {
  uint32_t r[13];
  uint32_t pc;
  uint32_t cpsr;
};

/* kind: 0 data abort, 1 prefetch abort, 2 undefined instruction, 3 other; sp, lr: of SVC mode. */
_Noreturn void vmm_fault(const struct vmm_registers *registers, uint32_t kind, uint32_t sp, uint32_t lr);

/* Interrupts are masked in the VMM, so this stops the system for good. */
_Noreturn void vmm_stop(void);

#endif
