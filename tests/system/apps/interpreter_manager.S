/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Management kernel: waits for a character from the harness, executes the operations, and waits again. The operations store
 * the number of their program at interpreter_pages: a character too many does not start it again.
 */
#include "interpreter_kernel.inc"

  .section .vectors, "ax", %progbits
  vectors

  .section .text.interpreter, "ax", %progbits
on_reset:
  movw  r0, #:lower16:VMI_VCPU_PAGE
  movt  r0, #:upper16:VMI_VCPU_PAGE
  mov   r1, #VMI_IRQ_CONSOLE
  str   r1, [r0, #VMI_VCPU_IRQ_ENABLED]
do_idle:
  mov   r12, #VMI_WAIT
  svc   #0
at_idle:
  take_lines
  info_page r0
  ldr   r1, [r0, #PROGRAM_NUMBER]
  ldr   r2, =interpreter_pages
  ldr   r2, [r2]
  cmp   r1, r2
  beq   do_idle
  wfi /* to the next tick: none comes by itself while the program runs, however soon the harness was */
  b     from_reset
  .ltorg
