// SPDX-License-Identifier: Apache-2.0
#include "core/health.h"

#include "lib/string.h"

#define ROWS (VMI_TASK_MAX + 1u)
#define KERNEL_ROW VMI_TASK_MAX

static void step_set(struct health *h, unsigned action, uint32_t budget, uint32_t window_ms, uint32_t next) {
  h->steps[action].budget = budget;
  h->steps[action].window = h->deliberate ? 0 : health_duration(window_ms);
  h->window_ms[action] = window_ms;
  h->next[action] = (uint8_t)next;
}

void health_init(struct health *h, const struct policy_config *policy, bool deliberate) {
  h->deliberate = deliberate;
  for (unsigned row = 0; row < ROWS; row++) {
    memcpy(h->on[row], policy->on, VMI_CLASS_COUNT);
  }
  for (uint32_t i = 0; i < policy->override_count; i++) {
    const struct policy_override *o = &policy->overrides[i];
    h->on[o->task][o->class] = o->action;
  }
  for (unsigned action = 0; action < VMI_ACTION_COUNT; action++) {
    const struct policy_step *step = &policy->steps[action];
    step_set(h, action, step->budget, step->window_ms, step->next);
  }
  health_reset(h);
}

void health_reset(struct health *h) {
  for (unsigned action = 0; action < VMI_ACTION_COUNT; action++) {
    h->steps[action].used = 0;
  }
}

/* A window lasts from the first use in it. */
static bool use(struct health *h, enum vmi_action action, uint32_t now) {
  struct health_step *step = &h->steps[action];
  uint32_t window = step->window != 0 ? step->window : health_duration(h->window_ms[action]);
  if (step->used == 0 || now - step->start >= window) {
    step->used = 0;
    step->start = now;
  }
  if (step->used >= step->budget) {
    return false;
  }
  step->used++;
  return true;
}

/* A recovery that is milder than possible becomes the mildest possible one. */
static enum vmi_action at_least(enum vmi_action action, enum vmi_action mildest) {
  return action > VMI_ACTION_LOG && action < mildest ? mildest : action;
}

enum vmi_action health_escalate(struct health *h, enum vmi_action action, enum vmi_action mildest, uint32_t now,
                                uint8_t *reason) {
  action = at_least(action, mildest);
  while (!use(h, action, now)) {
    *reason = VMI_REASON_BUDGET;
    action = at_least((enum vmi_action)h->next[action], mildest);
  }
  return action;
}

enum vmi_action health_choose(struct health *h, unsigned thread, unsigned class, enum vmi_action mildest, uint32_t now,
                              uint8_t *reason) {
  enum vmi_action wanted = (enum vmi_action)h->on[thread][class];
  if (wanted != mildest && wanted == at_least(wanted, mildest)) {
    *reason = VMI_REASON_POLICY;
  }
  return health_escalate(h, wanted, mildest, now, reason);
}

void health_read(const struct health *h, struct vmi_policy *policy) {
  memcpy(policy->on, h->on, sizeof policy->on);
  for (unsigned action = 0; action < VMI_ACTION_COUNT; action++) {
    const struct health_step *step = &h->steps[action];
    policy->step[action] = (struct vmi_policy_step){step->budget, h->window_ms[action], step->used, h->next[action]};
  }
}

static int32_t change_on(struct health *h, const struct vmi_policy_change *change) {
  if (change->class >= VMI_CLASS_COUNT) {
    return VMI_EINVAL;
  }
  if (change->task == VMI_TASK_ALL) {
    for (unsigned row = 0; row < ROWS; row++) {
      h->on[row][change->class] = (uint8_t)change->action;
    }
    return VMI_OK;
  }
  if (change->task >= VMI_TASK_MAX && change->task != VMI_TASK_KERNEL) {
    return VMI_EINVAL;
  }
  h->on[change->task == VMI_TASK_KERNEL ? KERNEL_ROW : change->task][change->class] = (uint8_t)change->action;
  return VMI_OK;
}

/* What ends every chain keeps its endless budget, and each step leads on to a later one. */
static int32_t change_step(struct health *h, const struct vmi_policy_change *change) {
  if (change->action >= VMI_ACTION_VM_STOP || change->next <= change->action || change->next >= VMI_ACTION_COUNT ||
      change->window_ms == 0 || change->window_ms > HEALTH_WINDOW_MAX_MS) {
    return VMI_EINVAL;
  }
  step_set(h, change->action, change->budget, change->window_ms, change->next);
  return VMI_OK;
}

int32_t health_change(struct health *h, const struct vmi_policy_change *change) {
  if (change->action >= VMI_ACTION_COUNT) {
    return VMI_EINVAL;
  }
  switch (change->what) {
    case VMI_POLICY_ON:
      return change_on(h, change);
    case VMI_POLICY_STEP:
      return change_step(h, change);
    default:
      return VMI_EINVAL;
  }
}
