/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fault log: a ring of the last FAULT_LOG_CAPACITY records (struct vmi_fault). Never rolled back (D4), and part of the
 * black box (core/black_box.h): a reset of the board leaves it as it is.
 * VM0 reads it with VMI_FAULT_READ, the harness straight from memory at the symbol `fault_log`.
 *
 * A record is written on the way of a recovery, where a checksum would cost too much. It is sealed with one later, before it
 * is told. A reset in between finds a record that is plausible, but not proven.
 */
#ifndef CORE_FAULT_LOG_H
#define CORE_FAULT_LOG_H

#include <stdbool.h>
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

/* Once at a start of the board: the next record is `next`, the records of this life are marked with `life`. */
void fault_log_open(uint32_t next, uint16_t life);

/* Gives the oldest few records without a checksum theirs; false: all had one. Not on the way of a recovery. */
bool fault_log_seal(void);

/* A record that a reset overtook, of another life: from now on it has a checksum, and is marked. */
void fault_log_salvage(struct vmi_fault *record, uint16_t life);

/* The record has a right checksum, and lies where its sequence number says. */
bool fault_log_is_sound(const struct vmi_fault *record);

/* Copies record `sequence` to *out. VMI_OK; VMI_EAGAIN: not yet there; VMI_ENOENT: overwritten, lost, or 0. */
int fault_log_read(uint32_t sequence, struct vmi_fault *out);

#endif
