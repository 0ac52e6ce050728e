/* SPDX-License-Identifier: Apache-2.0 */
/* What chaotic.c.j2 and chaotic_kernel.c.j2 share: chance, damage that takes itself back, and when a fault is still due. */
#ifndef CHAOTIC_H
#define CHAOTIC_H

#include <stdbool.h>
#include <stdint.h>

#include "vmi.h"

#define CHAOTIC_NOTHING 10u /* functions of OSAppCall: a call that changes nothing, but that the VMM knows nothing of */
#define CHAOTIC_FAIL 11u /* the kernel shall fail; the argument is the chance that says how */
#define CHAOTIC_DAMAGED 8u /* words */

/* The last step of MurmurHash3, which lets each bit change all others. */
static inline uint32_t chaotic_mix(uint32_t x) {
  x = (x ^ x >> 16) * 0x85ebca6bu;
  x = (x ^ x >> 13) * 0xc2b2ae35u;
  return x ^ x >> 16;
}

/* No rollback takes this number back, so what is decided by it is decided anew after each. */
static inline uint32_t chaotic_recoveries(void) {
  return ((const volatile struct vmi_info *)VMI_INFO_PAGE)->recoveries;
}

/* Changes some of `count` words. The second time it takes the changes back, should a checkpoint have saved them (D7). */
static inline void chaotic_damage(volatile uint32_t *words, uint32_t count, uint32_t chance) {
  for (uint32_t i = 0; i < CHAOTIC_DAMAGED; i++) {
    chance = chaotic_mix(chance + i);
    words[chance % count] ^= chaotic_mix(chance);
  }
}

#endif
