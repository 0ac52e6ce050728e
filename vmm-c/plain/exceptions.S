/* SPDX-License-Identifier: Apache-2.0 */
/* Exception entry, exit and fast paths without fault tolerance: a thread has one image, and nothing is committed. */
#include "arch/armv7/context.h"
#include "core/fast_offsets.h"

#define FAULT_TOLERANT 0

.macro vm_commit
.endm

.macro note_guest_call
.endm

/* Uses r3 and r12. */
.macro task_leave
  ldmia r1, {r3, r12} /* unsaved, park */
  cmp r3, #0
  bne switch_slow
  mrc p15, 0, r3, c13, c0, 2 /* TPIDRURW */
  str r3, [r12, #FRAME_TPIDRURW]
.endm

#include "arch/armv7/exceptions.inc"
