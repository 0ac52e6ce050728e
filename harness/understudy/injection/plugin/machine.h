/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the simulated machine, as far as experiments read, compare and change it. On the thread of the CPU only. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

#define PAGE 4096u
#define CPSR 16
#define REGISTERS_MAX (2 * PAGE)

/* Look at the layout of QEMU's state. Returns what does not fit this QEMU, or NULL. */
const char *machine_open(void);

/* Describe what can be aimed at, as in struct hello. Returns the size; to NULL: just that. */
size_t machine_describe(uint8_t *to);

uint32_t machine_core(int number);
void machine_set_core(int number, uint32_t value);

/* Read or write what a fault aims at; false: there is no such thing, so it can't be written either. */
bool machine_read(const struct fault *fault, uint64_t *value);
void machine_write(const struct fault *fault, uint64_t value);

/* Copy the registers of the CPU, coprocessor 15 and VFP included. Returns their size; to NULL: just that. */
size_t machine_registers(uint8_t *to);

/* Put them back, when a snapshot was loaded. */
void machine_set_registers(const uint8_t *from);

void ram_read(uint64_t address, void *data, size_t size);
void device_read(uint64_t address, void *value, size_t size);

/* Where QEMU keeps a range of RAM; NULL: it is not RAM, or not in one piece. */
uint8_t *machine_ram(uint64_t address, uint64_t size);

#endif
