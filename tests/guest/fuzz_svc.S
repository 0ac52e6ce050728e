/* SPDX-License-Identifier: Apache-2.0 */
  .syntax unified
  .arm

  .section .text.fuzz, "ax", %progbits

/* void fuzz_svc(struct fuzz_call *call) */
  .global fuzz_svc
  .type fuzz_svc, %function
fuzz_svc:
  push  {r0, r4-r11, lr}
  ldr   r1, [r0, #52] /* flags */
  msr   APSR_nzcvq, r1
  mov   lr, r0
  ldm   lr, {r0-r12}
  svc   #0
  push  {r0, r12, lr}
  ldr   r12, [sp, #12] /* call */
  mrs   r0, CPSR
  add   r12, r12, #56 /* out */
  str   r0, [r12, #52]
  stmib r12, {r1-r11}
  pop   {r0, r1, r2}
  str   r0, [r12]
  str   r1, [r12, #48]
  str   r2, [r12, #56]
  pop   {r0, r4-r11, pc}

  .section .note.GNU-stack, "", %progbits
