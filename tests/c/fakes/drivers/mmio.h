/* SPDX-License-Identifier: Apache-2.0 */
/* Device registers of the simulated machine (machine.c). */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include <stdint.h>

uint32_t mmio_read(uint32_t address);
void mmio_write(uint32_t address, uint32_t value);

#endif
