// SPDX-License-Identifier: Apache-2.0
#include "drivers/gic.h"

/* ARM IHI 0048, 4.3 and 4.4. */
#define ICCICR (BOARD_GIC_CPU_BASE + 0x00)
#define ICCPMR (BOARD_GIC_CPU_BASE + 0x04)
#define ICDDCR (BOARD_GIC_DIST_BASE + 0x000)
#define ICDISER (BOARD_GIC_DIST_BASE + 0x100)
#define ICDICER (BOARD_GIC_DIST_BASE + 0x180)
#define ICDICPR (BOARD_GIC_DIST_BASE + 0x280)
#define ICDABR (BOARD_GIC_DIST_BASE + 0x300)
#define ICDIPR (BOARD_GIC_DIST_BASE + 0x400)
#define ICDIPTR (BOARD_GIC_DIST_BASE + 0x800)
#define ICDICFR (BOARD_GIC_DIST_BASE + 0xc00)

#define FIRST_SHARED 32u
#define PRIORITY_ALL 0xa0a0a0a0u
#define TARGET_CPU0 0x01010101u
#define PRIORITY_MASK_NONE 0xf0u

/* Writes `value` to the registers that hold `per_register` interrupts each, from interrupt `first` on. */
static void fill(uint32_t registers, unsigned first, unsigned per_register, uint32_t value) {
  for (unsigned id = first; id < BOARD_IRQ_COUNT; id += per_register) {
    mmio_write(registers + 4u * (id / per_register), value);
  }
}

/* After a micro-reboot: the VMM may have failed between taking an interrupt and ending it, which keeps out all others. */
static void end_active(void) {
  for (unsigned id = 0; id < BOARD_IRQ_COUNT; id++) {
    if ((mmio_read(ICDABR + 4u * (id / 32u)) >> id % 32u & 1u) != 0) {
      gic_end(id);
    }
  }
}

void gic_init(void) {
  end_active();
  mmio_write(ICDDCR, 0);
  mmio_write(ICCICR, 0);
  fill(ICDICER, 0, 32, 0xffffffffu);
  fill(ICDICPR, 0, 32, 0xffffffffu);
  fill(ICDIPR, 0, 4, PRIORITY_ALL);
  fill(ICDIPTR, FIRST_SHARED, 4, TARGET_CPU0);
  fill(ICDICFR, FIRST_SHARED, 16, 0);
  mmio_write(ICCPMR, PRIORITY_MASK_NONE);
  mmio_write(ICCICR, 1);
  mmio_write(ICDDCR, 1);
}

void gic_enable(unsigned id) {
  mmio_write(ICDISER + 4u * (id / 32u), 1u << (id % 32u));
}
