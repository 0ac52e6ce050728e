/* SPDX-License-Identifier: Apache-2.0 */
/* Reset: stacks of all modes, BSS, then vmm_main. Entered in SVC mode with the MMU off. */
#include "arch/armv7/context.h"

  .syntax unified
  .arm
  .section .start, "ax", %progbits
  .global _start
  .type _start, %function
_start:
  cpsid aif
  cps #0x17
  ldr sp, =__stack_abt_top
  cps #0x1b
  ldr sp, =__stack_und_top
  cps #0x12
  ldr sp, =__stack_irq_top
  cps #PSR_SVC
  ldr sp, =__stack_svc_top
  ldr r0, =__bss_start
  ldr r1, =__bss_end
  mov r2, #0
1:
  cmp r0, r1
  strlo r2, [r0], #4
  blo 1b
  bl vmm_main
  b .
