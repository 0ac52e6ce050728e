/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What start.S expects of a small guest kernel, and what it offers (kernels with their own entry code,
 * like guests/rtos, do not use it).
 */
#ifndef LIB_GUEST_H
#define LIB_GUEST_H

#include <stdint.h>

#include "vmi.h"

/* Runs once, virtual interrupts masked. When it returns, the highest ready task runs. */
void guest_main(const struct vmi_info *info);

/* A guest call of a task; the result goes to the task's r0. Default: VMI_ENOCALL. */
uint32_t guest_call(uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t number);

/*
 * Virtual interrupts (bits VMI_IRQ_...), already cleared from irq_pending. Runs with interrupts masked, with the
 * integer registers only: the VFP belongs to whoever was interrupted. Default: does nothing.
 */
void guest_irq(uint32_t lines);

/* Leaves the kernel for the highest ready task; serves interrupts while there is none. */
_Noreturn void guest_dispatch(void);

#endif
