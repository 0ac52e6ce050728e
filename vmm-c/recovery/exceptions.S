/* SPDX-License-Identifier: Apache-2.0 */
/* Exception entry, exit and fast paths with fault tolerance: leaving a VM or a task takes its checkpoint (R19, R20). */
#include "arch/armv7/context.h"
#include "core/fast_offsets.h"

#define FAULT_TOLERANT 1

/*
 * Nothing but the registers of thread r11, which were just saved at sp (r7: its TPIDRURW), differs from the VM's checkpoint:
 * they become those of both checkpoints, and the image that was theirs takes the next ones. r8 is 0. Uses r2, r3.
 */
.macro vm_commit
  ldr r2, [r11, #THREAD_TASK_SAVED]
  str r7, [sp, #FRAME_TPIDRURW]
  mov r3, sp
  stmia r11, {r1, r2, r3, r8, sp} /* unsaved (not 0), park, frame, impure, task_saved */
.endm

/* Task r10 calls its kernel with number r12; the VM is r6, r9 its pure_calls. Its kernel will change state (D6). */
.macro note_guest_call
  str sp, [r10, #THREAD_FRAME]
  lsls r9, r9, r12
  strpl sp, [r10, #THREAD_IMPURE]
  str sp, [r6, #VM_UNSAVED]
.endm

/*
 * Likewise for the task r1 that was left for its kernel; the VM's checkpoint has another image. Kernel registers are still
 * alive until it is sure that nothing else must be saved. Uses r3 to r8.
 */
.macro task_leave
  ldr r3, [r1, #THREAD_UNSAVED]
  cmp r3, #0
  bne switch_slow
  ldmia r1, {r4-r8} /* unsaved, park, frame, impure, task_saved */
  mrc p15, 0, r7, c13, c0, 2 /* TPIDRURW */
  strd r4, r5, [r1, #THREAD_IMPURE] /* 0, and task_saved */
  str r8, [r1, #THREAD_PARK]
  str r7, [r5, #FRAME_TPIDRURW]
.endm

#include "arch/armv7/exceptions.inc"
