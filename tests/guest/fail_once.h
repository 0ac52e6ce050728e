/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults at moments that depend on the time, which no rollback sets back, and which never come back after the rollback:
 * wherever a checkpoint is taken, the decision to fail is not in it (D7).
 */
#ifndef FAIL_ONCE_H
#define FAIL_ONCE_H

#include "lib/vcpu.h"

/* Of the time, so it is another one after each rollback. */
static inline uint32_t fail_random(void) {
  uint32_t word = (uint32_t)vmi_time() * 2654435761u;

  word ^= word >> 15;
  word *= 2246822519u;
  return word ^ word >> 13;
}

/*
 * In one of `every` calls a write to the info page. After a rollback to before the LDREX `recoveries` is another one; after
 * one to between it and the STREX the exclusive monitor is clear, and the STREX writes nothing (docs/vmi.md).
 */
static inline void fail_once(uint32_t every) {
  const uint32_t *recoveries = &vmi_info_page()->recoveries;
  uint32_t life = *(const volatile uint32_t *)recoveries;
  uint32_t word;

  if (fail_random() % every == 0) {
    __asm__ volatile("ldrex %0, [%1]\n"
                     "cmp %0, %2\n"
                     "strexeq r12, %0, [%1]"
                     : "=&r"(word)
                     : "r"(recoveries), "r"(life)
                     : "r12", "cc", "memory");
  }
}

#endif
