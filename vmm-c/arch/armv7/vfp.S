/* SPDX-License-Identifier: Apache-2.0 */
  .arch_extension mp
  .fpu neon
  .text
  .global vfp_save, vfp_load
  .type vfp_save, %function
  .type vfp_load, %function

/* void vfp_save(struct vfp_context *to) */
vfp_save:
  vstmia r0!, {d0-d15}
  vstmia r0!, {d16-d31}
  vmrs r1, fpscr
  str r1, [r0]
  bx lr

/* void vfp_load(const struct vfp_context *from) */
vfp_load:
  vldmia r0!, {d0-d15}
  vldmia r0!, {d16-d31}
  ldr r1, [r0]
  vmsr fpscr, r1
  bx lr
