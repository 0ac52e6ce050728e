/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every fault status of DFSR and IFSR in the short-descriptor format (ARM ARM B3.13.3, table B3-23), once for the VMM,
 * which decides by the class, and for whoever tells people about a fault: X(FS[4:0], class, words).
 */
#ifndef VMI_FAULT_STATUS_H
#define VMI_FAULT_STATUS_H

#include "vmi.h"

#define VMI_FAULT_STATUSES(X)                                                             \
  X(0x00, VMI_CLASS_OTHER, "reserved fault status")                                       \
  X(0x01, VMI_CLASS_ALIGNMENT, "alignment fault")                                         \
  X(0x02, VMI_CLASS_DEBUG, "debug event")                                                 \
  X(0x03, VMI_CLASS_ACCESS_FLAG, "access flag fault, first level")                        \
  X(0x04, VMI_CLASS_MAINTENANCE, "fault on instruction cache maintenance")                \
  X(0x05, VMI_CLASS_TRANSLATION, "translation fault, first level")                        \
  X(0x06, VMI_CLASS_ACCESS_FLAG, "access flag fault, second level")                       \
  X(0x07, VMI_CLASS_TRANSLATION, "translation fault, second level")                       \
  X(0x08, VMI_CLASS_EXTERNAL, "synchronous external abort")                               \
  X(0x09, VMI_CLASS_DOMAIN, "domain fault, first level")                                  \
  X(0x0a, VMI_CLASS_OTHER, "reserved fault status")                                       \
  X(0x0b, VMI_CLASS_DOMAIN, "domain fault, second level")                                 \
  X(0x0c, VMI_CLASS_EXTERNAL, "synchronous external abort on a table walk, first level")  \
  X(0x0d, VMI_CLASS_PERMISSION, "permission fault, first level")                          \
  X(0x0e, VMI_CLASS_EXTERNAL, "synchronous external abort on a table walk, second level") \
  X(0x0f, VMI_CLASS_PERMISSION, "permission fault, second level")                         \
  X(0x10, VMI_CLASS_MAINTENANCE, "TLB conflict abort")                                    \
  X(0x11, VMI_CLASS_OTHER, "reserved fault status")                                       \
  X(0x12, VMI_CLASS_OTHER, "reserved fault status")                                       \
  X(0x13, VMI_CLASS_OTHER, "reserved fault status")                                       \
  X(0x14, VMI_CLASS_PLATFORM, "lockdown fault")                                           \
  X(0x15, VMI_CLASS_OTHER, "reserved fault status")                                       \
  X(0x16, VMI_CLASS_ASYNC, "asynchronous external abort")                                 \
  X(0x17, VMI_CLASS_OTHER, "reserved fault status")                                       \
  X(0x18, VMI_CLASS_ASYNC, "asynchronous parity error")                                   \
  X(0x19, VMI_CLASS_PARITY, "synchronous parity error")                                   \
  X(0x1a, VMI_CLASS_PLATFORM, "coprocessor abort")                                        \
  X(0x1b, VMI_CLASS_OTHER, "reserved fault status")                                       \
  X(0x1c, VMI_CLASS_PARITY, "synchronous parity error on a table walk, first level")      \
  X(0x1d, VMI_CLASS_OTHER, "reserved fault status")                                       \
  X(0x1e, VMI_CLASS_PARITY, "synchronous parity error on a table walk, second level")     \
  X(0x1f, VMI_CLASS_OTHER, "reserved fault status")

/* A data abort alone can have these; in IFSR they are reserved: alignment, cache maintenance, asynchronous aborts. */
#define VMI_FAULT_STATUS_DATA_ONLY (1u << 0x01 | 1u << 0x04 | 1u << 0x16 | 1u << 0x18)

/* FS[4] is bit 10 of the register, FS[3:0] are bits 3:0. Bits 7:4 (the domain) are valid for some data aborts only. */
static inline uint32_t vmi_fault_status(uint32_t fsr) {
  return (fsr & 0xfu) | (fsr >> 6 & 0x10u);
}

#endif
