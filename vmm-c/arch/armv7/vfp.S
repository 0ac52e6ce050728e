/* SPDX-License-Identifier: Apache-2.0 */
  .arch_extension mp
  .fpu neon
  .text
  .global vfp_save, vfp_load, vfp_page_copy
  .type vfp_save, %function
  .type vfp_load, %function

/* void vfp_save(struct vfp_context *to) */
vfp_save:
  vstmia r0!, {d0-d15}
  vstmia r0!, {d16-d31}
  vmrs r1, fpscr
  str r1, [r0]
  bx lr

/* void vfp_page_copy(void *dst, const void *src): 4 KiB through d0-d15, which keep their values */
  .type vfp_page_copy, %function
vfp_page_copy:
  vpush {d0-d15}
  mov r2, #4096 / 512
1:
  .rept 4
  vldmia r1!, {d0-d15}
  vstmia r0!, {d0-d15}
  .endr
  subs r2, r2, #1
  bne 1b
  vpop {d0-d15}
  bx lr

/* void vfp_load(const struct vfp_context *from) */
vfp_load:
  vldmia r0!, {d0-d15}
  vldmia r0!, {d16-d31}
  ldr r1, [r0]
  vmsr fpscr, r1
  bx lr
