/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health monitor: which recovery a fault gets (D5). A fault that comes back after each recovery must not keep the
 * system busy for ever, so each level has a budget within a window of time; when it is used up, the next level is
 * taken: task rollback -> VM rollback -> cold restart -> stop the VM.
 */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include <stdint.h>

#include "core/config.h"
#include "vmi.h"

/* Time of the health monitor: the global timer without its lowest bits, so that 32 bits hold hours. The harness knows it (image/tables.py). */
#define HEALTH_TIME_SHIFT 10

/* From both halves of the global timer. */
static inline uint32_t health_time(uint32_t low, uint32_t high) {
  return high << (32 - HEALTH_TIME_SHIFT) | low >> HEALTH_TIME_SHIFT;
}

/* One per VM, all zero at first and after the VM was created anew. Never rolled back. */
struct health {
  uint32_t window_start;             /* health_time of the first fault of the window */
  uint32_t used[VMI_ACTION_VM_STOP]; /* recoveries in this window, by enum vmi_action */
};

/*
 * Decides about one fault and counts the recovery that it chooses.
 * first: the level to begin with, by policy (VMI_ACTION_NONE and VMI_ACTION_VM_STOP are returned as they are).
 * now: health_time, may wrap around; a window lasts c->window from the first fault in it, then all counters restart.
 * *reason: set to VMI_REASON_BUDGET if a higher level than `first` was taken, else unchanged.
 */
enum vmi_action health_escalate(struct health *h, const struct recovery_config *c, enum vmi_action first, uint32_t now,
                                uint8_t *reason);

/* The same, with a short way for the frequent case: not the first fault in its window, and the budget is not used up. */
static inline enum vmi_action health_decide(struct health *h, const struct recovery_config *c, enum vmi_action first,
                                            uint32_t now, uint8_t *reason) {
  if (first < VMI_ACTION_VM_STOP && h->used[first] != 0 && h->used[first] < c->budget[first] &&
      now - h->window_start < c->window) {
    h->used[first]++;
    return first;
  }
  return health_escalate(h, c, first, now, reason);
}

#endif
