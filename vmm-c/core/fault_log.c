// SPDX-License-Identifier: Apache-2.0
#include "core/fault_log.h"

#include <stddef.h>

#include "core/preserved.h"
#include "lib/crc32.h"

#define SEALED_AT_ONCE 4u

_Static_assert(offsetof(struct fault_log, records) == 8, "layout that the harness reads");
_Static_assert((FAULT_LOG_CAPACITY & (FAULT_LOG_CAPACITY - 1)) == 0, "the index survives a wrap of the sequence");

struct fault_log fault_log __attribute__((section(".black_box.log")));
static PRESERVED uint32_t next_to_seal;
static PRESERVED uint16_t current_life;

static uint32_t checksum(const struct vmi_fault *record) {
  return crc32(0, record, offsetof(struct vmi_fault, check));
}

void fault_log_open(uint32_t next, uint16_t life) {
  fault_log.next_sequence = next;
  fault_log.capacity = FAULT_LOG_CAPACITY;
  next_to_seal = next;
  current_life = life;
}

static void seal(struct vmi_fault *record, uint16_t life, bool salvaged) {
  record->life = life;
  record->salvaged = salvaged;
  record->check = checksum(record);
}

void fault_log_salvage(struct vmi_fault *record, uint16_t life) {
  seal(record, life, true);
}

bool fault_log_seal(void) {
  uint32_t waiting = fault_log.next_sequence - next_to_seal;
  if (waiting > FAULT_LOG_CAPACITY) { /* a flood of faults: the older ones are overwritten */
    waiting = FAULT_LOG_CAPACITY;
    next_to_seal = fault_log.next_sequence - FAULT_LOG_CAPACITY;
  }
  for (uint32_t n = 0; n < SEALED_AT_ONCE && n < waiting; n++) {
    seal(fault_log_slot(next_to_seal++), current_life, false);
  }
  return waiting != 0;
}

bool fault_log_is_sound(const struct vmi_fault *record) {
  return record->sequence != 0 && record == fault_log_slot(record->sequence) && record->check == checksum(record);
}

int fault_log_read(uint32_t sequence, struct vmi_fault *out) {
  if (sequence >= fault_log.next_sequence) {
    return VMI_EAGAIN;
  }
  while (next_to_seal <= sequence) {
    fault_log_seal();
  }
  const struct vmi_fault *record = fault_log_slot(sequence);
  if (sequence == 0 || record->sequence != sequence) {
    return VMI_ENOENT;
  }
  *out = *record;
  return VMI_OK;
}
