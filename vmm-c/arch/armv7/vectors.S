/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exception entry and exit (R18). The VMM runs in SVC mode with interrupts masked and never nests: an exception
 * taken from a privileged mode is a fault of the VMM itself (D2).
 */
#include "arch/armv7/context.h"

  .arch_extension sec
  .syntax unified
  .arm

  .section .vectors, "ax", %progbits
  .global vectors
  .balign 32
vectors:
  b entry_reset
  b entry_undefined
  b entry_call
  b entry_prefetch
  b entry_data
  b entry_unused
  b entry_irq
  b entry_unused

  .text

/* After the return state is at [SP_svc]: save the user registers, take the VMM's stack, r0 = frame. */
.macro save_context
  stmdb sp, {r0-r14}^
  sub r0, sp, #CONTEXT_PC
  ldr sp, =__stack_svc_top
.endm

/* Branch to \target if the exception was taken from a privileged mode. Uses the mode's own stack. */
.macro privileged_to target
  push {r0}
  mrs r0, spsr
  tst r0, #0xf
  pop {r0}
  bne \target
.endm

  .type entry_call, %function
entry_call:
  srsia sp, #PSR_SVC
  save_context
  bl vmi_dispatch
  b resume

  .type entry_irq, %function
entry_irq:
  sub lr, lr, #4
  srsia sp, #PSR_SVC
  cps #PSR_SVC
  save_context
  bl interrupt_handle
  b resume

  .type entry_data, %function
entry_data:
  sub lr, lr, #8
  privileged_to vmm_data_abort
  srsia sp, #PSR_SVC
  cps #PSR_SVC
  save_context
  bl fault_data
  b resume

  .type entry_prefetch, %function
entry_prefetch:
  sub lr, lr, #4
  privileged_to vmm_prefetch_abort
  srsia sp, #PSR_SVC
  cps #PSR_SVC
  save_context
  bl fault_prefetch
  b resume

  .type entry_undefined, %function
entry_undefined:
  privileged_to vmm_undefined
  srsia sp, #PSR_SVC
  cps #PSR_SVC
  save_context
  bl fault_undefined
  /* fall through */

/*
 * r0 = frame of the thread to run. Parks SP_svc at its pc, restores and returns. The exclusive monitor is
 * cleared, so that a guest's STREX cannot succeed across another guest (D4; ARM ARM A3.4.5).
 */
  .global resume
  .type resume, %function
resume:
  clrex
  mov lr, r0
  add sp, r0, #CONTEXT_PC
  ldmia lr, {r0-r14}^
  nop
  rfeia sp

/* Faults of the VMM: collect the registers on the mode's own stack and report (never returns). */
entry_reset:
entry_unused:
  srsdb sp!, #PSR_SVC
  push {r0-r12}
  mov r1, #3
  b vmm_fault_entry
vmm_undefined:
  sub lr, lr, #4
  srsdb sp!, #0x1b
  push {r0-r12}
  mov r1, #2
  b vmm_fault_entry
vmm_prefetch_abort:
  srsdb sp!, #0x17
  push {r0-r12}
  mov r1, #1
  b vmm_fault_entry
vmm_data_abort:
  srsdb sp!, #0x17
  push {r0-r12}
  mov r1, #0
vmm_fault_entry:
  mov r0, sp
  mrs r4, cpsr
  cps #PSR_SVC
  mov r2, sp
  mov r3, lr
  msr cpsr_c, r4
  bl vmm_fault
  b .
