/* SPDX-License-Identifier: Apache-2.0 */
/* Access to 32-bit device registers, in program order (device memory keeps it, ARM ARM A3.5.5). */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include <stdint.h>

static inline uint32_t mmio_read(uint32_t address) {
  return *(volatile const uint32_t *)(uintptr_t)address;
}

static inline void mmio_write(uint32_t address, uint32_t value) {
  *(volatile uint32_t *)(uintptr_t)address = value;
}

#endif
