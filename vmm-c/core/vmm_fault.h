/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fault of the VMM itself (R31, D2). First what is known goes into the black box. Then the system stops, or, where the
 * configuration says so, the VMM starts anew and keeps the VMs: a micro-reboot. It may fail in turn, so a second fault
 * within the window, or before the first one is over, stops the system in any case.
 */
#ifndef CORE_VMM_FAULT_H
#define CORE_VMM_FAULT_H

#include <stdint.h>

#include "vmi.h"

/* What is done about it; `vmm_fault` of the configuration. */
enum vmm_policy { VMM_STOP, VMM_RESTART };

/* How it came about; exceptions.inc knows the numbers. */
enum vmm_fault_kind {
  VMM_FAULT_DATA,
  VMM_FAULT_PREFETCH,
  VMM_FAULT_UNDEFINED,
  VMM_FAULT_EXCEPTION, /* one that never comes: an unused vector, a jump to 0 */
  VMM_FAULT_RAISED,
};

/* As exceptions.inc pushes them. */
struct vmm_registers {
  uint32_t r[13];
  uint32_t pc;
  uint32_t cpsr;
};

/* kind: enum vmm_fault_kind; sp, lr: of SVC mode. */
__attribute__((cold)) _Noreturn void vmm_fault(const struct vmm_registers *registers, uint32_t kind, uint32_t sp,
                                               uint32_t lr);

/*
 * The VMM finds out by itself that it can't go on: class as in the fault log, and the address of what is wrong. Damage to its
 * text and constants (VMI_CLASS_TEXT) always stops the system: there is no other copy to start anew from.
 */
_Noreturn void vmm_fault_raise(enum vmi_fault_class class, uint32_t address);

/* The VMM works: from now on a fault is the first one. At the end of a start, or of a micro-reboot. */
void vmm_fault_ready(void);

/* Sequence number of the record of the last fault. */
uint32_t vmm_fault_record(void);

/* Micro-reboots since the reset of the board. */
uint32_t vmm_fault_restarts(void);

/* A record of class VMI_CLASS_VMM about a VM, to be completed; and its end. */
struct vmi_fault *vmm_fault_log(uint8_t vm, uint8_t task, enum vmi_action action, uint8_t reason);
void vmm_fault_logged(struct vmi_fault *record);

/* Interrupts are masked in the VMM, so this stops the system for good. */
_Noreturn void vmm_stop(void);

#endif
