/* SPDX-License-Identifier: Apache-2.0 */
#include "vmi.h"

  .syntax unified
  .arm
  .text
  .global counted_loop, counted_first, counted_second
  .type counted_loop, %function

/* void counted_loop(uint32_t rounds): between its two calls it executes 2 * rounds + 3 instructions. */
counted_loop:
  push  {r4, lr}
  mov   r4, r0
  mov   r12, #VMI_VERSION
counted_first:
  svc   #0
1:
  subs  r4, r4, #1
  bne   1b
  nop
  mov   r12, #VMI_VERSION
counted_second:
  svc   #0
  pop   {r4, pc}

  .section .note.GNU-stack, "", %progbits
