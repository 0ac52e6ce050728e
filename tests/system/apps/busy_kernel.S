/* SPDX-License-Identifier: Apache-2.0 */
/* A kernel that lets its task run, and never comes back from the first call that the task makes: it writes no memory. */
#include "vmi.h"

  .syntax unified
  .arm

  .section .vectors, "ax", %progbits
  b     reset
  b     .
  b     busy
  b     .
  b     .
  b     .
  b     .
  b     .

  .section .header, "a", %progbits
  .word VMI_HEADER_MAGIC
  .word VMI_ABI_VERSION
  .word __kernel_stack_top
  .word 0

  .section .text.kernel, "ax", %progbits
reset:
  mov   r0, #0
  ldr   r1, =__task0_entry
  ldr   r2, =__task0_stack_top
  mov   r12, #VMI_TASK_CREATE
  svc   #0
  mov   r0, #0
  mov   r12, #VMI_TASK_RESUME
  svc   #0
  mov   r0, #0
  mov   r12, #VMI_TASK_SWITCH
  svc   #0
busy:
  b     busy

  .section .note.GNU-stack, "", %progbits
