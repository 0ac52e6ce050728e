// SPDX-License-Identifier: Apache-2.0
#include "core/fault_log.h"

#include <stddef.h>

_Static_assert(offsetof(struct fault_log, records) == 8, "layout that the harness reads");
_Static_assert((FAULT_LOG_CAPACITY & (FAULT_LOG_CAPACITY - 1)) == 0, "the index survives a wrap of the sequence");

struct fault_log fault_log = {.next_sequence = 1, .capacity = FAULT_LOG_CAPACITY};

int fault_log_read(uint32_t sequence, struct vmi_fault *out) {
  if (sequence >= fault_log.next_sequence) {
    return VMI_EAGAIN;
  }
  const struct vmi_fault *record = fault_log_slot(sequence);
  if (sequence == 0 || record->sequence != sequence) {
    return VMI_ENOENT;
  }
  *out = *record;
  return VMI_OK;
}
