/* SPDX-License-Identifier: Apache-2.0 */
/* A task that counts for some slices, and then calls its kernel. */
#include "vmi.h"

  .syntax unified
  .arm

  .section .text.task, "ax", %progbits
  .global caller_task
  .type caller_task, %function
caller_task:
  mov   r4, #0x40000
1:
  subs  r4, r4, #1
  bne   1b
  mov   r12, #VMI_GUEST_CALL
  svc   #0
  b     caller_task

  .section .note.GNU-stack, "", %progbits
