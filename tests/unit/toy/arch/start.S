/* SPDX-License-Identifier: Apache-2.0 */
  .section .vectors, "ax"
  b .
  .section .start, "ax"
  .global _start
_start:
  ldr sp, =__stack_svc_top
  bl vmm_main
  b .
