/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The health monitor: which recovery a fault gets (D5), by a policy in data. The class of the fault and who made it choose the
 * action to begin with; each action has a budget within a window of time, because a fault that comes back after each recovery
 * must not keep the system busy for ever. When the budget is used up, or the action is not possible, the next, more severe one
 * is taken.
 */
#ifndef CORE_HEALTH_H
#define CORE_HEALTH_H

#include <stdbool.h>

#include "board.h"
#include "core/config.h"
#include "vmi.h"

/* Time of the health monitor: the global timer without its lowest bits, so that 32 bits hold hours. */
#define HEALTH_TIME_SHIFT 10
#define HEALTH_WINDOW_MAX_MS 36000000u /* ten hours */

/* From both halves of the global timer. */
static inline uint32_t health_time(uint32_t low, uint32_t high) {
  return high << (32 - HEALTH_TIME_SHIFT) | low >> HEALTH_TIME_SHIFT;
}

/* So many milliseconds in units of health_time; at most HEALTH_WINDOW_MAX_MS. */
static inline uint32_t health_duration(uint32_t ms) {
  return (uint32_t)((uint64_t)ms * (BOARD_TIMER_CLOCK_HZ / 1000u) >> HEALTH_TIME_SHIFT);
}

struct health_step {
  uint32_t budget; /* VMI_POLICY_FOREVER: without end */
  uint32_t window; /* in units of health_time; 0: health_agrees never does */
  uint32_t used;   /* in this window */
  uint32_t start;  /* health_time of the first of the window */
};

/* One per VM. Never rolled back. */
struct health {
  uint8_t on[VMI_TASK_MAX + 1][VMI_POLICY_CLASSES]; /* action by thread number and class */
  struct health_step steps[VMI_ACTION_COUNT];
  uint32_t window_ms[VMI_ACTION_COUNT]; /* windows as people know them */
  uint8_t next[VMI_ACTION_COUNT];
  bool deliberate; /* each decision is one of health_choose: what it decides on must be looked at first */
};

/* The policy of the configuration, nothing used. */
__attribute__((cold)) void health_init(struct health *h, const struct policy_config *policy, bool deliberate);

/* A new life of the VM: nothing used, the policy as it is. */
void health_reset(struct health *h);

/*
 * The first action from `action` on that is a record only, or not milder than `mildest`, and whose budget is not used up; it
 * is counted. now: health_time, may wrap around. *reason: set to VMI_REASON_BUDGET if a budget was, else unchanged.
 */
enum vmi_action health_escalate(struct health *h, enum vmi_action action, enum vmi_action mildest, uint32_t now,
                                uint8_t *reason);

/*
 * Decides about one fault and counts the action that it chooses.
 * thread: its number in vm->threads. class: enum vmi_fault_class.
 * mildest: the mildest recovery that is possible for this thread now; *reason says why, and is replaced if the policy wants
 * something else.
 */
enum vmi_action health_choose(struct health *h, unsigned thread, unsigned class, enum vmi_action mildest, uint32_t now,
                              uint8_t *reason);

/* The short way in the frequent case: the policy wants the mildest, and neither window nor budget is at its end. */
static inline bool health_agrees(struct health *h, unsigned thread, unsigned class, enum vmi_action mildest,
                                 uint32_t now) {
  struct health_step *step = &h->steps[mildest];
  uint32_t wanted = h->on[thread][class];
  if (wanted - VMI_ACTION_TASK_ROLLBACK <= (uint32_t)mildest - VMI_ACTION_TASK_ROLLBACK && step->used != 0 &&
      step->used < step->budget && now - step->start < step->window) {
    step->used++;
    return true;
  }
  return false;
}

/* For the console: reading, and changing at run time. Refused (VMI_EINVAL) is what could leave a fault without an end. */
void health_read(const struct health *h, struct vmi_policy *policy);
__attribute__((cold)) int32_t health_change(struct health *h, const struct vmi_policy_change *change);

#endif
