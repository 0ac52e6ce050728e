/* SPDX-License-Identifier: Apache-2.0 */
/* Uses the time that is left, in registers only. */
  .syntax unified
  .arm

  .section .text.spinner, "ax", %progbits
  .global idle_spinner_task
  .type idle_spinner_task, %function
idle_spinner_task:
  add   r4, r4, #1
  b     idle_spinner_task

  .section .note.GNU-stack, "", %progbits
