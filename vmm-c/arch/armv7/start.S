/* SPDX-License-Identifier: Apache-2.0 */
/* Reset: stacks of all modes, BSS and page tables, then vmm_main. Entered in SVC mode with the MMU off. */
#include "arch/armv7/context.h"

  .syntax unified
  .arm
/* Both addresses are multiples of the page size. */
.macro clear start, end
  ldr r0, =\start
  ldr r1, =\end
  mov r2, #0
  mov r3, #0
  mov r4, #0
  mov r5, #0
1:
  cmp r0, r1
  stmlo r0!, {r2-r5}
  blo 1b
.endm

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
  clear __bss_start, __bss_end
  clear __page_tables_start, __page_tables_end
  bl vmm_main
  b .
