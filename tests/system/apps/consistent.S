/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task whose registers always agree: r1 to r11 and lr hold r0 plus their number, and TPIDRURW holds r0.
 * It looks at them in each round, and breaks down in some rounds, to be rolled back to wherever it was
 * at its last checkpoint. What does not agree ends it in `disagree`.
 */
#include "vmi.h"

#define INFO_RECOVERIES 16 /* offset in struct vmi_info */

  .syntax unified
  .arm

  .macro all_registers operation
  .irp number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
  \operation \number
  .endr
  .endm

  .macro set number
  add   r\number, r0, #\number
  .endm

  .macro look number
  sub   r12, r\number, #\number
  cmp   r12, r0
  bne   disagree
  .endm

  /* calls: in a round in which it may break down; turns: in each 64th round */
  .macro task name, calls, turns
  .section .text.\name, "ax", %progbits
  .global \name
  .type \name, %function
\name:
  mov   r0, #0
  mcr   p15, 0, r0, c13, c0, 2
  all_registers set
  add   lr, r0, #14
  mvn   sp, #0 /* recoveries when it last looked; nothing else uses sp */
1:
  all_registers look
  sub   r12, lr, #14
  cmp   r12, r0
  bne   disagree
  mrc   p15, 0, r12, c13, c0, 2
  cmp   r12, r0
  bne   disagree
  lsl   r12, r0, #21 /* in one of 2,048 rounds, unless it was just rolled back */
  cmp   r12, #0x80000000
  bne   2f
  movw  r12, #:lower16:VMI_INFO_PAGE
  movt  r12, #:upper16:VMI_INFO_PAGE
  ldr   r12, [r12, #INFO_RECOVERIES]
  cmp   r12, sp
  mov   sp, r12
  bne   2f
  .if \calls
  mov   r12, #VMI_GUEST_CALL
  svc   #0
  .endif
  udf   #0
2:
  add   r0, r0, #1
  mcr   p15, 0, r0, c13, c0, 2
  all_registers set
  add   lr, r0, #14
  .if \turns
  tst   r0, #63
  moveq r12, #VMI_GUEST_CALL
  svceq #0
  .endif
  b     1b
  .endm

  task consistent_task, 0, 0
  task consistent_turns, 0, 1
  task consistent_caller, 1, 0 /* its kernel changes its state: the VM is rolled back with it (D6) */

  .section .text.disagree, "ax", %progbits
  .balign 4096 /* where no other guest has code */
  .global disagree
disagree:
  b     disagree

  .section .note.GNU-stack, "", %progbits
