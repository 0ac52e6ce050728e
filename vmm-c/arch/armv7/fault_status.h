/* SPDX-License-Identifier: Apache-2.0 */
/* Fault status registers of the short-descriptor format (ARM ARM B3.13.3): which class a status is. */
#ifndef ARCH_FAULT_STATUS_H
#define ARCH_FAULT_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmi.h"
#include "vmi_fault_status.h"

/* Those that the code asks for; all of them: vmi_fault_status.h. */
#define FS_DEBUG 0x02u
#define FS_TRANSLATION_PAGE 0x07u
#define FS_DOMAIN_PAGE 0x0bu
#define FS_PERMISSION_SECTION 0x0du
#define FS_PERMISSION_PAGE 0x0fu
#define FS_ASYNC_EXTERNAL 0x16u
#define FS_ASYNC_PARITY 0x18u

/*
 * What is asked of a DFSR, in four instructions: FS in bits 4:0, and WnR, 1 for a write.
 */
#define FAULT_WRITE 0x20u
static inline uint32_t fault_access(uint32_t dfsr) {
  return (dfsr & 0xfu) | (dfsr >> 6 & 0x30u);
}

/* Set in a class if the status does not say all: core/fault_refine.h. */
#define FAULT_REFINE 0x80u

/* enum vmi_fault_class, perhaps with FAULT_REFINE, by fault_access of DFSR, and by vmi_fault_status of IFSR. */
extern const uint8_t fault_data_classes[64];
extern const uint8_t fault_prefetch_classes[32];

/* An asynchronous abort, from DFSR: the instruction that is reported with it has nothing to do with it. */
static inline bool fault_is_asynchronous(uint32_t dfsr) {
  uint32_t fs = vmi_fault_status(dfsr);
  return fs == FS_ASYNC_EXTERNAL || fs == FS_ASYNC_PARITY;
}

#endif
