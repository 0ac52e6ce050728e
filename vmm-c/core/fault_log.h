/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fault log: a ring of the last FAULT_LOG_CAPACITY records (struct vmi_fault). Never rolled back (D4).
 * VM0 reads it with VMI_FAULT_READ, the harness straight from memory at the symbol `fault_log`.
 */
#ifndef CORE_FAULT_LOG_H
#define CORE_FAULT_LOG_H

#include <stdint.h>

#include "vmi.h"

#define FAULT_LOG_CAPACITY 256u

/* Layout, all little-endian: next_sequence at 0, capacity at 4, record with sequence s at 8 + 64 * ((s - 1) %
 * capacity). */
struct fault_log {
  uint32_t next_sequence; /* records 1 .. next_sequence - 1 are complete; the oldest of them may be overwritten */
  uint32_t capacity;      /* FAULT_LOG_CAPACITY */
  struct vmi_fault records[FAULT_LOG_CAPACITY];
};

extern struct fault_log fault_log;

/* Where record `sequence` (from 1) is, or was, or will be. */
static inline struct vmi_fault *fault_log_slot(uint32_t sequence) {
  return &fault_log.records[(sequence - 1u) % FAULT_LOG_CAPACITY];
}

/* The next slot, with what it held before. It is invisible to readers until it is committed. */
static inline struct vmi_fault *fault_log_begin(void) {
  return fault_log_slot(fault_log.next_sequence);
}

/* Gives the record that the last fault_log_begin returned its sequence number, and publishes it. */
static inline void fault_log_commit(struct vmi_fault *record) {
  record->sequence = fault_log.next_sequence++;
}

/* Copies record `sequence` to *out. VMI_OK; VMI_EAGAIN: not yet there; VMI_ENOENT: overwritten, or 0. */
int fault_log_read(uint32_t sequence, struct vmi_fault *out);

#endif
