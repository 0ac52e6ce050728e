/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Vectors and image header (R38). The VMM enters with the kernel's stack empty and virtual interrupts masked; they
 * stay masked in the kernel, so an interrupt never finds kernel code and there is nothing to save here:
 * the registers of the task are kept by the VMM.
 */
#include "os_calls.h"
#include "vmi.h"

  .syntax unified
  .arm

  .section .vectors, "ax", %progbits
  b     os_reset
  udf   #0 /* never entered: a stray jump here is a fault at once */
  b     call
  udf   #0
  udf   #0
  udf   #0
  b     os_irq
  udf   #0

  .section .header, "a", %progbits
  .word VMI_HEADER_MAGIC
  .word VMI_ABI_VERSION
  .word __kernel_stack_top
  .word OS_CALL_PURE_MASK

  .section .text.call, "ax", %progbits
  .type call, %function
call:
  push  {r0-r3, r12, lr} /* struct os_request; lr keeps the stack 8-aligned */
  mov   r0, sp
  b     os_call

  .section .note.GNU-stack, "", %progbits
