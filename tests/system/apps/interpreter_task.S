/* SPDX-License-Identifier: Apache-2.0 */
/* A task: executes the operations at r0. */
#include "interpreter.inc"

do_vfp: /* every lane of q0 to q15: r0 + its number */
  .irp  number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
  vdup.32 q\number, r0
  add   r0, r0, #1
  .endr
  vmsr  fpscr, r1
  b     next

do_vfp_read:
  vmov.32 r0, d0[0]
  gather r0
  vmov.32 r0, d31[1]
  gather r0
  vmrs  r0, fpscr
  gather r0
  b     next

do_thread_id:
  mcr   p15, 0, r0, c13, c0, 2
  b     next

do_thread_id_read:
  mrc   p15, 0, r0, c13, c0, 2
  gather r0
  b     next

do_guest_call: /* r2: the operations that serve it */
  svc   #0
at_guest_call:
  gather r0
  gather r1
  b     next

  .global interpreter_task
  .type interpreter_task, %function
interpreter_task:
  mov   r11, r0
  b     next

  .word interpreter_pages, shared_pages /* the linker shall keep them */

  .section .bss.interpreter, "aw", %nobits
  .balign 4096
interpreter_pages:
  .space 8192

  .section .note.GNU-stack, "", %progbits
