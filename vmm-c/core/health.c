// SPDX-License-Identifier: Apache-2.0
#include "core/health.h"

static void renew_window(struct health *h, const struct recovery_config *c, uint32_t now) {
  uint32_t any = h->used[VMI_ACTION_TASK_ROLLBACK] | h->used[VMI_ACTION_VM_ROLLBACK] | h->used[VMI_ACTION_COLD_RESTART];
  if (any == 0 || now - h->window_start >= c->window) {
    *h = (struct health){.window_start = now};
  }
}

enum vmi_action health_escalate(struct health *h, const struct recovery_config *c, enum vmi_action first, uint32_t now,
                                uint8_t *reason) {
  if (first == VMI_ACTION_LOG) {
    return first;
  }
  renew_window(h, c, now);
  enum vmi_action level = first;
  while (level < VMI_ACTION_VM_STOP && h->used[level] >= c->budget[level]) {
    level = (enum vmi_action)(level + 1);
  }
  if (level < VMI_ACTION_VM_STOP) {
    h->used[level]++;
  }
  if (level != first) {
    *reason = VMI_REASON_BUDGET;
  }
  return level;
}
