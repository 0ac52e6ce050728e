/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reset, and the micro-reboot: stacks of all modes, data, BSS and page tables, then vmm_main(false or true), which is entered in
 * SVC mode with the MMU off. A micro-reboot takes .data from the copy that was made at the reset, and keeps .preserved.
 */
#include "arch/armv7/context.h"

#define SCTLR_M (1 << 0)
#define SCTLR_C (1 << 2)

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

/* All three are. */
.macro copy to, start, end
  ldr r0, =\to
  ldr r1, =\start
  ldr r6, =\end
1:
  cmp r1, r6
  ldmlo r1!, {r2-r5}
  stmlo r0!, {r2-r5}
  blo 1b
.endm

  .section .start, "ax", %progbits
  .global _start
  .type _start, %function
_start:
  cpsid aif, #PSR_SVC
  clear __preserved_start, __preserved_end
  copy __data_copy_start, __data_start, __data_end
  mov r11, #0

/* r11: what vmm_main is told. */
start_common:
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
  mov r0, r11
  bl vmm_main
  b .

/*
 * void vmm_restart(void): from any mode and with any page tables that map this text. Caches and MMU go off, so that none of the
 * VMM's tables is needed until they are built anew; what the caches hold is written to memory first (ARM ARM B2.2.7, B4.2.1).
 */
  .global vmm_restart
  .type vmm_restart, %function
vmm_restart:
  cpsid aif, #PSR_SVC
  mrc p15, 0, r7, c1, c0, 0 /* SCTLR */
  bic r7, r7, #SCTLR_C
  mcr p15, 0, r7, c1, c0, 0
  mov r0, #0
  mcr p15, 2, r0, c0, c0, 0 /* CSSELR: level 1, data */
  isb
  mrc p15, 1, r0, c0, c0, 0 /* CCSIDR */
  and r1, r0, #7
  add r1, r1, #4 /* log2 of the line */
  ubfx r2, r0, #3, #10 /* ways - 1 */
  clz r3, r2
  ubfx r4, r0, #13, #15 /* sets - 1 */
1:
  mov r5, r2
2:
  lsl r6, r5, r3
  orr r6, r6, r4, lsl r1
  mcr p15, 0, r6, c7, c14, 2 /* DCCISW */
  subs r5, r5, #1
  bpl 2b
  subs r4, r4, #1
  bpl 1b
  dsb
  bic r7, r7, #SCTLR_M
  mcr p15, 0, r7, c1, c0, 0
  isb
  mov r11, #0
  mcr p15, 0, r11, c8, c7, 0 /* TLBIALL */
  mcr p15, 0, r11, c7, c5, 0 /* ICIALLU */
  dsb
  isb
  copy __data_start, __data_copy_start, __data_copy_end
  mov r11, #1
  b start_common
