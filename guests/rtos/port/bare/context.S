/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors and context switch of the bare port. */
#include "vmi.h"

  .syntax unified
  .arm
  .fpu neon

#define CONTEXT_PC 60 /* struct context, checked in port.c */

  .section .vectors, "ax", %progbits
  .balign 32
  .global vectors
vectors:
  b     _start
  b     undefined
  b     call
  b     prefetch_abort
  b     data_abort
  udf   #0
  b     interrupt
  udf   #0

  .section .text.context, "ax", %progbits

/* Everything of the task goes to its context; sp stands at its pc. */
.macro save_task
  stmdb sp, {r0-r14}^
  str   lr, [sp]
  mrs   lr, spsr
  str   lr, [sp, #4]
.endm

  .type call, %function
call: /* SVC #0 of a task, SVC mode */
  save_task
  ldr   sp, =__kernel_stack_top
  push  {r0-r3, r12, lr} /* struct os_request */
  mov   r0, sp
  cmp   r12, #VMI_GUEST_CALL
  bhs   os_call
  b     bare_call

  .type interrupt, %function
interrupt: /* IRQ mode; only tasks run with interrupts on */
  sub   lr, lr, #4
  save_task
  cpsid aif, #0x13
  ldr   sp, =__kernel_stack_top
  b     os_irq

/* void context_run(struct context *): goes on with a task. */
  .global context_run
  .type context_run, %function
context_run:
  clrex
  add   r1, r0, #CONTEXT_PC
  cps   #0x12
  mov   sp, r1
  cps   #0x13
  mov   sp, r1
  ldm   r1, {r2, r3}
  mov   lr, r2
  msr   spsr_cxsf, r3
  ldmdb sp, {r0-r14}^
  nop /* no banked register right after LDM ^ (ARM ARM B9.3.6) */
  movs  pc, lr

/*
 * Undefined instruction: the first use of the VFP by a task that is not its owner, or a fault. Interrupts
 * are masked, so the VFP has one user at a time.
 */
  .type undefined, %function
undefined:
  push  {r0-r3, r12, lr}
  bl    bare_vfp_wanted
  cmp   r0, #0
  pop   {r0-r3, r12, lr}
  beq   fault
  sub   lr, lr, #4 /* again; tasks run in ARM state */
  movs  pc, lr

prefetch_abort:
data_abort:
fault:
  mov   r0, lr
  mrs   r1, spsr
  mrc   p15, 0, r2, c6, c0, 0 /* DFAR */
  mrc   p15, 0, r3, c5, c0, 0 /* DFSR */
  b     bare_fault

/* void vfp_save(struct vfp_context *) */
  .global vfp_save
  .type vfp_save, %function
vfp_save:
  vstmia r0!, {d0-d15}
  vstmia r0!, {d16-d31}
  vmrs  r1, fpscr
  str   r1, [r0]
  bx    lr

/* void vfp_load(const struct vfp_context *) */
  .global vfp_load
  .type vfp_load, %function
vfp_load:
  vldmia r0!, {d0-d15}
  vldmia r0!, {d16-d31}
  ldr   r1, [r0]
  vmsr  fpscr, r1
  bx    lr

  .section .note.GNU-stack, "", %progbits
