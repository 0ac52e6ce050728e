/* SPDX-License-Identifier: Apache-2.0 */
/* The FIXED class: the VMM's own text, data and stacks page by page, RAM and devices by sections. */
#include "arch/armv7/mmu.h"

#include "board.h"

/* First MiB of RAM that hold the VMM and the guest images are mapped by pages (W^X, guard pages). */
#define FINE_SECTIONS 16u
#define FIXED_L1_ENTRIES 4096u

/* Sections (ARM ARM B3.5.1): XN 4, AP2 15, AP 11:10; device: shareable device memory (TEX 000, B 1). */
#define SECTION_DEVICE 0x00000416u
#define SECTION_RAM 0x0000141eu /* normal, write-back write-allocate, VMM read-write, XN */
#define SECTION_UNCACHED 0x00001412u /* normal, not cacheable: what is written is in the RAM when a reset comes */

#define SCTLR_M (1u << 0)
#define SCTLR_A (1u << 1)
#define SCTLR_C (1u << 2)
#define SCTLR_Z (1u << 11)
#define SCTLR_I (1u << 12)
#define SCTLR_V (1u << 13)
#define SCTLR_TRE (1u << 28)
#define SCTLR_AFE (1u << 29)

extern const uint8_t __text_start[], __text_end[], __rodata_start[], __rodata_end[], __data_start[], __data_end[];
extern const uint8_t __stack_svc_base[], __stack_svc_top[], __stack_abt_base[], __stack_abt_top[];
extern const uint8_t __stack_und_base[], __stack_und_top[], __stack_irq_base[], __stack_irq_top[];
extern const uint8_t __preserved_start[], __preserved_end[], __data_copy_start[], __data_copy_end[];
extern const uint8_t __bss_start[], __bss_end[], __guest_images_start[], __guest_images_end[];
extern const uint8_t __black_box_start[], __ram_end[];
extern const uint8_t vectors[];

static uint32_t fixed_l1[FIXED_L1_ENTRIES] __attribute__((aligned(16384), section(".page_tables")));
static uint32_t fine_l2[FINE_SECTIONS][L2_ENTRIES] __attribute__((aligned(1024), section(".page_tables")));
/* Stands in for a guest's table while no guest is active: everything in the DYNAMIC class is an error. */
static uint32_t empty_l1[L1_ENTRIES] __attribute__((aligned(1024), section(".page_tables")));

struct region {
  const uint8_t *start;
  const uint8_t *end;
  uint32_t attributes;
};

#define PTE_TEXT (PTE_SMALL | PTE_NORMAL | PTE_AP_VMM_RO)
#define PTE_CONST (PTE_TEXT | PTE_XN)
#define PTE_DATA (PTE_SMALL | PTE_NORMAL | PTE_AP_VMM_RW | PTE_XN)

/* Pages not listed stay unmapped: in particular the guard pages under the stacks. */
static const struct region regions[] = {
    {__text_start, __text_end, PTE_TEXT},
    {__rodata_start, __rodata_end, PTE_CONST},
    {__data_start, __data_end, PTE_DATA},
    {__bss_start, __bss_end, PTE_DATA},
    {__preserved_start, __preserved_end, PTE_DATA},
    {__data_copy_start, __data_copy_end, PTE_CONST},
    {__stack_svc_base, __stack_svc_top, PTE_DATA},
    {__stack_abt_base, __stack_abt_top, PTE_DATA},
    {__stack_und_base, __stack_und_top, PTE_DATA},
    {__stack_irq_base, __stack_irq_top, PTE_DATA},
    {(const uint8_t *)fixed_l1, (const uint8_t *)(fixed_l1 + FIXED_L1_ENTRIES), PTE_DATA},
    {(const uint8_t *)fine_l2, (const uint8_t *)(fine_l2 + FINE_SECTIONS), PTE_DATA},
    {(const uint8_t *)empty_l1, (const uint8_t *)(empty_l1 + L1_ENTRIES), PTE_DATA},
    {__guest_images_start, __guest_images_end, PTE_CONST},
};

static void map_pages(const struct region *region) {
  uint32_t end = ((uint32_t)region->end + PAGE_SIZE - 1u) & PAGE_MASK;
  for (uint32_t va = (uint32_t)region->start & PAGE_MASK; va < end; va += PAGE_SIZE) {
    uint32_t section = (va - BOARD_RAM_BASE) / SECTION_SIZE;
    fine_l2[section][(va / PAGE_SIZE) % L2_ENTRIES] = va | region->attributes;
  }
}

static void map_sections(uint32_t base, uint32_t size, uint32_t attributes) {
  for (uint32_t va = base; va - base < size; va += SECTION_SIZE) {
    fixed_l1[va / SECTION_SIZE] = va | attributes;
  }
}

static void map_vmm_image(void) {
  uint32_t image_end = (uint32_t)__guest_images_end;
  for (unsigned i = 0; i < FINE_SECTIONS; i++) {
    uint32_t va = BOARD_RAM_BASE + i * SECTION_SIZE;
    if (va < image_end) {
      fixed_l1[va / SECTION_SIZE] = l1_descriptor(fine_l2[i], DOMAIN_VMM);
    }
  }
  for (unsigned i = 0; i < sizeof regions / sizeof regions[0]; i++) {
    map_pages(&regions[i]);
  }
}

void mmu_init(void) {
  map_sections(BOARD_DEVICE_BASE, BOARD_DEVICE_SIZE, SECTION_DEVICE);
  map_sections(BOARD_PERIPH_BASE, SECTION_SIZE, SECTION_DEVICE);
  map_sections(BOARD_RAM_BASE, (uint32_t)__black_box_start - BOARD_RAM_BASE, SECTION_RAM);
  map_sections((uint32_t)__black_box_start, SECTION_SIZE, SECTION_UNCACHED);
  map_vmm_image();
  dsb();
  tlb_invalidate_all(0);
  icache_invalidate_all(0);
  branch_predictor_invalidate(0);
  write_ttbcr(4); /* N = 4: TTBR0 translates 0..0x0fffffff */
  write_ttbr1(ttbr0_of(fixed_l1));
  write_dacr(DACR_CLIENT(DOMAIN_VMM));
  write_tpidruro(0); /* guests can only read it: it stays so */
  write_vbar((uint32_t)(uintptr_t)vectors);
  write_cpacr(read_cpacr() | (0xfu << 20)); /* VFP and NEON: gated by FPEXC.EN alone */
  space_activate(ttbr0_of(empty_l1), ASID_RESERVED);
  dsb();
  write_sctlr((read_sctlr() & ~(SCTLR_A | SCTLR_V | SCTLR_TRE | SCTLR_AFE)) | SCTLR_M | SCTLR_C | SCTLR_Z | SCTLR_I);
  isb();
}

void code_written(uint32_t address, uint32_t bytes) {
  for (uint32_t line = address & ~31u; line - address < bytes + 31u && line < address + bytes; line += 32u) {
    dcache_clean_pou(line);
  }
  dsb();
  icache_invalidate_all(0);
  branch_predictor_invalidate(0);
  dsb();
  isb();
}
