/* SPDX-License-Identifier: Apache-2.0 */
/* Fault status encodings of the short-descriptor format (ARM ARM B3.13.3, table B3-23). */
#ifndef ARCH_FAULT_STATUS_H
#define ARCH_FAULT_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmi.h"

#define FS_ALIGNMENT 0x01u
#define FS_TRANSLATION_SECTION 0x05u
#define FS_TRANSLATION_PAGE 0x07u
#define FS_EXTERNAL 0x08u
#define FS_DOMAIN_SECTION 0x09u
#define FS_DOMAIN_PAGE 0x0bu
#define FS_EXTERNAL_WALK_1 0x0cu
#define FS_PERMISSION_SECTION 0x0du
#define FS_EXTERNAL_WALK_2 0x0eu
#define FS_PERMISSION_PAGE 0x0fu
#define FS_EXTERNAL_IMPRECISE 0x16u

#define DFSR_WRITE 0x800u

/* FS[4] is bit 10, FS[3:0] bits 3:0. Bits 7:4 (the domain) are valid for some data aborts only and are masked. */
static inline uint32_t fault_status(uint32_t fsr) {
  return (fsr & 0xfu) | ((fsr >> 6) & 0x10u);
}

/* enum vmi_fault_class by fault status. */
extern const uint8_t fault_classes[32];

/* enum vmi_fault_class of a raw DFSR or IFSR. */
static inline uint8_t fault_class(uint32_t fsr) {
  return fault_classes[fault_status(fsr)];
}

#endif
