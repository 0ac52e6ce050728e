/* SPDX-License-Identifier: Apache-2.0 */
/* A more urgent task that faults on request, and uses the VFP before it does. */
#include "lib/vcpu.h"
#include "registers_calls.h"

typedef void function(void);

static void vfp_overwrite(void) {
  __asm__ volatile(".fpu neon\n"
                   "vmov.i8 q0, #0x5a\n"
                   "vmov.i8 q4, #0x5a\n"
                   "vmov.i8 q8, #0x5a\n"
                   "vmov.i8 q15, #0x5a\n" ::
                       : "q0", "q4", "q8", "q15");
}

static void crash(uint32_t how) {
  vfp_overwrite();
  switch (how) {
    case CRASH_UNDEFINED:
      __asm__ volatile("udf #1");
      break;
    case CRASH_PREFETCH:
      ((function *)0x00080000)();
      break;
    default:
      __asm__ volatile("str %0, [%0]" ::"r"(0x10) : "memory");
      break;
  }
}

void crasher_task(void *argument) {
  (void)argument;
  for (;;) {
    uint32_t before = vmi_info_page()->recoveries;
    uint32_t how = (uint32_t)vmi_call0(CALL_CRASH_WAIT);

    /*
     * A rollback goes back to here. With a slice of more than a tick before it, none ends between the decision and the
     * crash: its checkpoint would repeat the crash for ever.
     */
    (void)vmi_yield();
    if (vmi_info_page()->recoveries == before) {
      crash(how);
    }
  }
}
