/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reset of the bare port: stacks, flat memory map, VFP, then the kernel. The loader has put the image where it is
 * linked, so nothing is copied; BSS is cleared here.
 */
  .syntax unified
  .arm
  .fpu neon

#define SECTION_NORMAL 0x00001c0e /* 1 MiB, write-back, write-allocate, full access (ARM ARM B3.5.1) */
#define SECTION_DEVICE 0x00000c16 /* shared device, execute never */
#define SECTION_COUNT 4096

  .section .text.start, "ax", %progbits
  .global _start
  .type _start, %function
_start:
  cpsid aif, #0x17
  ldr   sp, =__abort_stack_top
  cpsid aif, #0x1b
  ldr   sp, =__undefined_stack_top
  cpsid aif, #0x13
  ldr   sp, =__kernel_stack_top

  ldr   r0, =__bss_start
  ldr   r1, =__bss_end
  mov   r2, #0
1:
  cmp   r0, r1
  strlo r2, [r0], #4
  blo   1b

  ldr   r0, =vectors
  mcr   p15, 0, r0, c12, c0, 0 /* VBAR */
  bl    map_flat
  bl    enable_vfp
  b     os_reset

/*
 * VA = PA: RAM is normal memory, everything below it devices; but the info page of the VMI is where tasks look for
 * it.
 */
  .type map_flat, %function
map_flat:
  ldr   r0, =__page_table
  mov   r1, #0
  ldr   r3, =SECTION_DEVICE
1:
  cmp   r1, #0x600
  ldreq r3, =SECTION_NORMAL
  orr   r2, r3, r1, lsl #20
  str   r2, [r0, r1, lsl #2]
  add   r1, r1, #1
  cmp   r1, #SECTION_COUNT
  blo   1b
  ldr   r1, =__info_page
  ldr   r3, =SECTION_NORMAL
  orr   r1, r1, r3
  str   r1, [r0, #(0x010 << 2)]

  mov   r1, #0
  mcr   p15, 0, r1, c8, c7, 0 /* TLBIALL */
  mcr   p15, 0, r1, c7, c5, 0 /* ICIALLU */
  mcr   p15, 0, r1, c2, c0, 2 /* TTBCR: one table for all */
  mcr   p15, 0, r0, c2, c0, 0 /* TTBR0 */
  mov   r1, #1
  mcr   p15, 0, r1, c3, c0, 0 /* DACR: domain 0 is a client */
  dsb
  isb
  mrc   p15, 0, r1, c1, c0, 0
  ldr   r2, =0x1805 /* I, Z, C, M */
  orr   r1, r1, r2
  mcr   p15, 0, r1, c1, c0, 0 /* SCTLR */
  isb
  bx    lr

  .type enable_vfp, %function
enable_vfp:
  mrc   p15, 0, r0, c1, c0, 2
  orr   r0, r0, #0xf00000
  mcr   p15, 0, r0, c1, c0, 2 /* CPACR: full access to the VFP and to NEON */
  isb
  mov   r0, #0
  vmsr  fpexc, r0 /* off until a task uses it */
  bx    lr

  .section .note.GNU-stack, "", %progbits
