/* SPDX-License-Identifier: Apache-2.0 */
/* Guest kernel: executes operations from its first instruction on. */
#include "interpreter_kernel.inc"

  .section .vectors, "ax", %progbits
  vectors

  .section .text.interpreter, "ax", %progbits
on_reset:
  b     from_reset

  .word interpreter_pages, __task0_entry, __task1_entry, __task2_entry /* the linker shall keep them */
