/* SPDX-License-Identifier: Apache-2.0 */
#include "registers.h"
#include "vmi.h"

#define VMI_INFO_RECOVERIES 16 /* offset in struct vmi_info; asserted in registers_check.c */

  .syntax unified
  .arch armv7-a
  .fpu neon
  .arm

  .section .text.registers, "ax", %progbits

/* void registers_run(const struct registers *in, struct run *run) */
  .global registers_run
  .type registers_run, %function
registers_run:
  push  {r4-r11, lr}
  vpush {d8-d15}
  add   r1, r1, #RUN_BELOW
  str   sp, [r1, #RUN_SAVED_SP]
  mov   sp, r1
  add   r2, r0, #REGISTERS_D
  vldmia r2!, {d0-d15}
  vldmia r2!, {d16-d31}
  ldr   r2, [r0, #REGISTERS_FPSCR]
  vmsr  fpscr, r2
  ldr   r2, [r0, #REGISTERS_THREAD_ID]
  mcr   p15, 0, r2, c13, c0, 2
  ldr   r2, [r0, #REGISTERS_FLAGS]
  msr   APSR_nzcvqg, r2
  ldr   lr, [r0, #REGISTERS_LR]
  ldm   r0, {r0-r12}
  ldr   pc, [sp, #RUN_EVENT]

/* Every event ends here, in ARM state and little endian; nothing but sp is known. */
  .global registers_done
  .type registers_done, %function
registers_done:
  stm   sp, {r0-r12, lr}
  mov   r0, sp
  str   r0, [sp, #REGISTERS_SP]
  mrs   r0, CPSR
  str   r0, [sp, #REGISTERS_FLAGS]
  mrc   p15, 0, r0, c13, c0, 2
  str   r0, [sp, #REGISTERS_THREAD_ID]
  vmrs  r0, fpscr
  str   r0, [sp, #REGISTERS_FPSCR]
  add   r0, sp, #REGISTERS_D
  vstmia r0!, {d0-d15}
  vstmia r0!, {d16-d31}
  mov   r0, #0
  vmsr  fpscr, r0 /* C code expects round to nearest */
  ldr   sp, [sp, #RUN_SAVED_SP]
  vpop  {d8-d15}
  pop   {r4-r11, pc}

/* An event is entered with every register loaded; all it may use is [sp]. */
.macro event_begin name, state, endian
  .balign 4
  .\state
  .global event_\name\()_\state\()_\endian
  .type event_\name\()_\state\()_\endian, %function
event_\name\()_\state\()_\endian:
  .ifc \endian, be
  setend be
  .endif
.endm

.macro event_end state, endian
  str   r5, [sp, #RUN_SCRATCH] /* often the first write after a checkpoint */
  .ifc \endian, be
  setend le
  .endif
  .ifc \state, thumb
  .balign 4
  bx    pc /* to ARM state at the next word; changes no register */
  nop
  .arm
  .endif
  b     registers_done
.endm

.macro event_svc state, endian
  event_begin svc, \state, \endian
  svc   #0
  event_end \state, \endian
.endm

/* Runs in a circle, without a register or flag, until somebody else changes the cell. */
.macro event_spin state, endian
  event_begin spin, \state, \endian
  ldr   pc, [sp, #RUN_CELL]
  .global event_spin_exit_\state\()_\endian
  .type event_spin_exit_\state\()_\endian, %function
event_spin_exit_\state\()_\endian:
  event_end \state, \endian
.endm

  event_svc arm, le
  event_svc thumb, le
  event_svc arm, be
  event_svc thumb, be
  event_spin arm, le
  event_spin thumb, le
  event_spin arm, be
  event_spin thumb, be

/* Neither flags nor a register but r0 may change on the way to registers_done. */
  .weak provoke /* of programs that use this event */
  event_begin checkpoint, arm, le
  svc   #0
  movw  r0, #:lower16:(VMI_INFO_PAGE + VMI_INFO_RECOVERIES)
  movt  r0, #:upper16:(VMI_INFO_PAGE + VMI_INFO_RECOVERIES)
  ldr   r0, [r0]
  eor   r0, r0, r1
  and   r0, r0, #1
  add   pc, pc, r0, lsl #2 /* the PC reads as the second next instruction */
  nop
  b     provoke
  event_end arm, le

  .section .note.GNU-stack, "", %progbits
