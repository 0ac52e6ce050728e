/* SPDX-License-Identifier: Apache-2.0 */
/* System registers of the simulated CPU (machine.h), in place of vmm-c/arch/armv7/cp15.h. */
#ifndef ARCH_CP15_H
#define ARCH_CP15_H

#include "machine.h"

#define CPU_READ(name, field)         \
  static inline uint32_t name(void) { \
    return cpu.field;                 \
  }
#define CPU_WRITE(name, field)              \
  static inline void name(uint32_t value) { \
    cpu.field = value;                      \
  }

CPU_WRITE(write_dacr, dacr)
CPU_READ(read_dfsr, dfsr)
CPU_READ(read_ifsr, ifsr)
CPU_READ(read_dfar, dfar)
CPU_READ(read_ifar, ifar)
CPU_READ(read_tpidrurw, tpidrurw)
CPU_WRITE(write_tpidrurw, tpidrurw)

void write_ttbr0(uint32_t value);
void write_contextidr(uint32_t value);
void tlb_invalidate_all(uint32_t ignored);
void tlb_invalidate_mva(uint32_t va_and_asid);
void tlb_invalidate_asid(uint32_t asid);
void isb(void);
void dsb(void);
void wfi(void);

static inline unsigned count_leading_zeros(uint32_t value) {
  return (unsigned)__builtin_clz(value);
}

static inline uint32_t reverse_bits(uint32_t value) {
  uint32_t reversed = 0;
  for (unsigned bit = 0; bit < 32; bit++) {
    reversed = reversed << 1 | (value >> bit & 1u);
  }
  return reversed;
}

static inline uint32_t low10_insert(uint32_t into, uint32_t from) {
  return (into & ~0x3ffu) | (from & 0x3ffu);
}

static inline bool vfp_enabled(void) {
  return cpu.vfp_on;
}

static inline void vfp_set_enabled(bool on) {
  cpu.vfp_on = on;
}

#endif
