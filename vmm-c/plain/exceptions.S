/* SPDX-License-Identifier: Apache-2.0 */
/* Exception entry, exit and fast paths without fault tolerance: a thread has one image, and nothing is committed. */
#include "arch/armv7/context.h"
#include "core/fast_offsets.h"

#define FAULT_TOLERANT 0

.macro vm_commit
.endm

.macro note_guest_call
.endm

/* Uses r2, r3, r7. */
.macro task_leave thread
  ldrd r2, r3, [\thread, #THREAD_UNSAVED] /* and park */
  cmp r2, #0
  bne call_slow
  mrc p15, 0, r7, c13, c0, 2 /* TPIDRURW */
  str r7, [r3, #FRAME_TPIDRURW]
.endm

#include "arch/armv7/exceptions.inc"
