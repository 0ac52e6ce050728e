/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that all tasks of a VM share. */
  .section .bss.interpreter, "aw", %nobits
  .balign 4096
  .global shared_pages
shared_pages:
  .space 8192

  .section .note.GNU-stack, "", %progbits
