/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The only place with inline assembly: accessors for system registers and barriers (ARM ARM B4.1, A8.8).
 */
#ifndef ARCH_CP15_H
#define ARCH_CP15_H

#include <stdbool.h>
#include <stdint.h>

#define CP15_READ(name, op1, crn, crm, op2)                                             \
  static inline uint32_t name(void) {                                                   \
    uint32_t value;                                                                     \
    __asm__ volatile("mrc p15, " #op1 ", %0, " #crn ", " #crm ", " #op2 : "=r"(value)); \
    return value;                                                                       \
  }
#define CP15_WRITE(name, op1, crn, crm, op2)                                                        \
  static inline void name(uint32_t value) {                                                         \
    __asm__ volatile("mcr p15, " #op1 ", %0, " #crn ", " #crm ", " #op2 : : "r"(value) : "memory"); \
  }

CP15_READ(read_sctlr, 0, c1, c0, 0)
CP15_WRITE(write_sctlr, 0, c1, c0, 0)
CP15_READ(read_cpacr, 0, c1, c0, 2)
CP15_WRITE(write_cpacr, 0, c1, c0, 2)
CP15_WRITE(write_ttbr0, 0, c2, c0, 0)
CP15_WRITE(write_ttbr1, 0, c2, c0, 1)
CP15_WRITE(write_ttbcr, 0, c2, c0, 2)
CP15_WRITE(write_dacr, 0, c3, c0, 0)
CP15_READ(read_dfsr, 0, c5, c0, 0)
CP15_READ(read_ifsr, 0, c5, c0, 1)
CP15_READ(read_dfar, 0, c6, c0, 0)
CP15_READ(read_ifar, 0, c6, c0, 2)
CP15_WRITE(icache_invalidate_all, 0, c7, c5, 0)    /* ICIALLU */
CP15_WRITE(branch_predictor_invalidate, 0, c7, c5, 6) /* BPIALL */
CP15_WRITE(dcache_clean_pou, 0, c7, c11, 1)        /* DCCMVAU */
CP15_WRITE(tlb_invalidate_all, 0, c8, c7, 0)       /* TLBIALL */
CP15_WRITE(tlb_invalidate_mva, 0, c8, c7, 1)       /* TLBIMVA: address | ASID */
CP15_WRITE(tlb_invalidate_asid, 0, c8, c7, 2)      /* TLBIASID */
CP15_WRITE(write_vbar, 0, c12, c0, 0)
CP15_WRITE(write_contextidr, 0, c13, c0, 1)
CP15_READ(read_tpidrurw, 0, c13, c0, 2)
CP15_WRITE(write_tpidrurw, 0, c13, c0, 2)
CP15_WRITE(write_tpidruro, 0, c13, c0, 3)

static inline void isb(void) {
  __asm__ volatile("isb" : : : "memory");
}

static inline void dsb(void) {
  __asm__ volatile("dsb" : : : "memory");
}

static inline void wfi(void) {
  __asm__ volatile("dsb\n\twfi" : : : "memory");
}

static inline unsigned count_leading_zeros(uint32_t value) {
  return (unsigned)__builtin_clz(value);
}

static inline uint32_t reverse_bits(uint32_t value) {
  uint32_t reversed;
  __asm__("rbit %0, %1" : "=r"(reversed) : "r"(value));
  return reversed;
}

/* The low 10 bits of `into` replaced by those of `from`. */
static inline uint32_t low10_insert(uint32_t into, uint32_t from) {
  __asm__("bfi %0, %1, #0, #10" : "+r"(into) : "r"(from));
  return into;
}

#define FPEXC_EN (1u << 30)

/* FPEXC (ARM ARM B6.1.39): with EN = 0 every VFP or NEON instruction is undefined. */
static inline bool vfp_enabled(void) {
  uint32_t value;
  __asm__ volatile(".fpu neon\n\tvmrs %0, fpexc" : "=r"(value));
  return (value & FPEXC_EN) != 0;
}

static inline void vfp_set_enabled(bool on) {
  __asm__ volatile(".fpu neon\n\tvmsr fpexc, %0" : : "r"(on ? FPEXC_EN : 0u) : "memory");
}

#endif
