/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Short-descriptor translation tables (ARM ARM B3.5) and the operations on them that the rest of the VMM uses.
 *
 * FIXED class (R5): TTBR1, built once by mmu_init, VA = PA, global entries.
 * DYNAMIC class: TTBR0 (TTBCR.N = 4), one 1 KiB first-level table per VM and image, VA 0..0x0fffffff, each with
 * its own ASID. ERROR: everything that no table maps.
 */
#ifndef ARCH_MMU_H
#define ARCH_MMU_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/armv7/cp15.h"

#define PAGE_SIZE 0x1000u
#define PAGE_MASK 0xfffff000u
#define SECTION_SIZE 0x100000u
#define L1_ENTRIES 256u /* with TTBCR.N = 4 */
#define L1_BYTES 1024u
#define L2_ENTRIES 256u
#define L2_BYTES 1024u
#define L1_TABLE_MASK 0xfffffc00u

/* Small page: bit 1 set; nG 11, AP2 9, TEX 8:6, AP 5:4, C 3, B 2, XN 0. Normal memory, write-back, write-allocate. */
#define PTE_SMALL 0x002u
#define PTE_XN 0x001u
#define PTE_NORMAL 0x04cu
#define PTE_NOT_GLOBAL 0x800u
#define PTE_AP_MASK 0x230u
#define PTE_AP_VMM_RW 0x010u   /* USR: none */
#define PTE_AP_VMM_RO 0x210u   /* USR: none; VMM: read */
#define PTE_AP_ARMED 0x020u    /* USR: read; VMM: read-write */
#define PTE_AP_USER_RW 0x030u
#define PTE_AP_USER_RO 0x230u  /* read-only for both */
#define PTE_GUEST (PTE_SMALL | PTE_NORMAL | PTE_NOT_GLOBAL)

#define DOMAIN_VMM 0u
#define DOMAIN_SHARED 2u
#define DACR_CLIENT(domain) (1u << (2u * (domain)))
#define DACR_KERNEL 0x55555555u /* client of every domain: the guest kernel reaches its tasks' windows too */
#define DACR_TASK(task) (DACR_CLIENT(DOMAIN_VMM) | DACR_CLIENT(DOMAIN_SHARED) | DACR_CLIENT((task) + 3u))

/* First-level descriptor of a second-level table (ARM ARM B3.5.1). */
static inline uint32_t l1_descriptor(const uint32_t *l2, unsigned domain) {
  return (uint32_t)(uintptr_t)l2 | (domain << 5) | 1u;
}

/* Second-level table behind a first-level descriptor; tables are in the FIXED class, so VA = PA. */
static inline uint32_t *l2_table(uint32_t descriptor) {
  return (uint32_t *)(uintptr_t)(descriptor & L1_TABLE_MASK);
}

static inline bool l1_valid(uint32_t descriptor) {
  return (descriptor & 3u) == 1u;
}

static inline uint32_t pte_frame(uint32_t pte) {
  return pte & PAGE_MASK;
}

/* The same mapping with another frame. */
static inline uint32_t pte_with_frame(uint32_t pte, uint32_t frame) {
  return frame | (pte & ~PAGE_MASK);
}

/* Guest may write / may only read (a write traps, so that the page's pre-image can be saved). */
static inline uint32_t pte_open(uint32_t pte) {
  return (pte & ~PTE_AP_MASK) | PTE_AP_USER_RW;
}

static inline uint32_t pte_arm(uint32_t pte) {
  return (pte & ~PTE_AP_MASK) | PTE_AP_ARMED;
}

static inline bool pte_is_open(uint32_t pte) {
  return (pte & PTE_AP_MASK) == PTE_AP_USER_RW;
}

static inline bool pte_is_executable(uint32_t pte) {
  return (pte & PTE_XN) == 0u;
}

/* Make edits of tables that are in use visible to the table walk (ARM ARM B3.10.1). */
static inline void tlb_forget_page(uint32_t va, uint32_t asid) {
  dsb();
  tlb_invalidate_mva((va & PAGE_MASK) | asid);
  dsb();
  isb();
}

static inline void tlb_forget_space(uint32_t asid) {
  dsb();
  tlb_invalidate_asid(asid);
  dsb();
  isb();
}

/* TTBR attributes: table walks inner and outer write-back write-allocate, not shared (ARM ARM B4.1.154). */
#define TTBR_FLAGS 0x48u
#define ASID_RESERVED 0u

/* Value of TTBR0 for a first-level table. */
static inline uint32_t ttbr0_of(const uint32_t *l1) {
  return (uint32_t)(uintptr_t)l1 | TTBR_FLAGS;
}

/*
 * Make the table of ttbr0 with asid the current DYNAMIC space. Between the two writes the reserved ASID is current, which no
 * entry of a guest is tagged with, so no stale translation can be picked up (ARM ARM B3.10.4).
 */
static inline void space_activate(uint32_t ttbr0, uint32_t asid) {
  write_contextidr(ASID_RESERVED);
  isb();
  write_ttbr0(ttbr0);
  isb();
  write_contextidr(asid);
  isb();
}

/* Build the FIXED class and switch the MMU and caches on. Called once, with the MMU off. */
__attribute__((cold)) void mmu_init(void);

/* Make instructions that were written as data visible to instruction fetch (ARM ARM B2.2.9). */
void code_written(uint32_t address, uint32_t bytes);

#endif
