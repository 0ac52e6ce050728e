/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors, header and entry code of a small guest kernel (guest.h). The kernel is an event kernel: it keeps
 * nothing on its stack between entries; the VMM keeps the registers of the tasks.
 * BSS is not cleared here: the VMM loads zero pages.
 */
#include "vmi.h"

  .syntax unified
  .arm

  .section .vectors, "ax", %progbits
  b     vector_reset /* VMI_VECTOR_RESET */
  b     .            /* the VMM uses only three of the eight vectors */
  b     vector_call  /* VMI_VECTOR_CALL */
  b     .
  b     .
  b     .
  b     vector_irq   /* VMI_VECTOR_IRQ */
  b     .

  .section .header, "a", %progbits
  .weak guest_pure_calls /* an absolute symbol; 0 where no one defines it */
  .word VMI_HEADER_MAGIC
  .word VMI_ABI_VERSION
  .word __kernel_stack_top
  .word guest_pure_calls

  .section .text.start, "ax", %progbits

  .type vector_reset, %function
vector_reset: /* r0 = info page, sp = top of the stack */
  bl    guest_main
  b     guest_dispatch

/* A task's call: r0..r3 and r12 as the task had them, sp = top of the stack. */
  .type vector_call, %function
vector_call:
  push  {r11, r12} /* the number is the fifth argument; r11 keeps sp a multiple of 8 */
  ldr   r12, [sp, #4]
  str   r12, [sp]
  bl    guest_call
  add   sp, sp, #8
  mov   r1, #0
  mov   r12, #VMI_TASK_RETURN
  mov   r4, r0
  svc   #0
  /* Refused: no task is ready. Keep the result for the caller, then wait for one. */
  movw  r5, #:lower16:VMI_VCPU_PAGE
  movt  r5, #:upper16:VMI_VCPU_PAGE
  ldr   r0, [r5, #VMI_VCPU_CURRENT_TASK]
  mov   r1, r4
  mov   r2, #0
  mov   r12, #VMI_TASK_RESULT
  svc   #0
  b     guest_dispatch

/*
 * A virtual interrupt. From a task: nothing to keep. From the kernel: sp and all registers are those of the
 * interrupted code, which goes on without a trap, from its own stack.
 */
  .type vector_irq, %function
vector_irq:
  sub   sp, sp, #4 /* place for the pc */
  push  {r0-r3, r12, lr}
  movw  r12, #:lower16:VMI_VCPU_PAGE
  movt  r12, #:upper16:VMI_VCPU_PAGE
  ldr   r0, [r12, #VMI_VCPU_IRQ_FROM]
  cmp   r0, #VMI_TASK_KERNEL
  bne   from_task
  ldr   r0, [r12, #VMI_VCPU_IRQ_PC]
  ldr   r1, [r12, #VMI_VCPU_IRQ_CPSR]
  tst   r1, #0x20 /* Thumb: LDM to the pc takes the state from bit 0 */
  orrne r0, r0, #1
  str   r0, [sp, #24]
  mov   r2, sp
  sub   sp, sp, #8
  bic   sp, sp, #7 /* code may be interrupted with sp a multiple of 4 only */
  stm   sp, {r1, r2} /* flags; where the frame is */
irq_again:
  bl    serve_irqs
  movw  r12, #:lower16:VMI_VCPU_PAGE
  movt  r12, #:upper16:VMI_VCPU_PAGE
  ldr   r0, [r12, #VMI_VCPU_IRQ_PENDING]
  ldr   r1, [r12, #VMI_VCPU_IRQ_ENABLED]
  tst   r0, r1
  bne   irq_again
  mov   r0, #0
  str   r0, [r12, #VMI_VCPU_IRQ_MASKED]
  /* One raised between the test and the store was not delivered: ask for it. */
  ldr   r0, [r12, #VMI_VCPU_IRQ_PENDING]
  ldr   r1, [r12, #VMI_VCPU_IRQ_ENABLED]
  tst   r0, r1
  movne r12, #VMI_IRQ_POLL
  svcne #0
  ldm   sp, {r1, r2}
  msr   APSR_nzcvqg, r1
  mov   sp, r2
  pop   {r0-r3, r12, lr}
  ldr   pc, [sp], #4

from_task:
  bl    serve_irqs
  /* Falls through. */

  .global guest_dispatch
  .type guest_dispatch, %function
guest_dispatch:
  mvn   r0, #0 /* VMI_TASK_NEXT */
  mov   r12, #VMI_TASK_SWITCH
  svc   #0
  mov   r12, #VMI_WAIT /* refused: no ready task; with interrupts masked it returns what is pending */
  svc   #0
  bl    serve_irqs
  b     guest_dispatch

/* guest_irq(lines taken from irq_pending), if there are any. */
  .type serve_irqs, %function
serve_irqs:
  movw  r12, #:lower16:VMI_VCPU_PAGE
  movt  r12, #:upper16:VMI_VCPU_PAGE
  add   r3, r12, #VMI_VCPU_IRQ_PENDING
  ldr   r2, [r12, #VMI_VCPU_IRQ_ENABLED]
1:
  ldrex r1, [r3]
  and   r0, r1, r2
  bic   r1, r1, r2
  strex r12, r1, [r3]
  cmp   r12, #0
  bne   1b
  cmp   r0, #0
  bxeq  lr
  b     guest_irq

  .weak guest_irq
  .type guest_irq, %function
guest_irq:
  bx    lr

  .weak guest_call
  .type guest_call, %function
guest_call:
  mvn   r0, #(-VMI_ENOCALL - 1)
  bx    lr

  .section .note.GNU-stack, "", %progbits
