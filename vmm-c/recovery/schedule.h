/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a checkpoint is due (R24). */
#ifndef RECOVERY_SCHEDULE_H
#define RECOVERY_SCHEDULE_H

#include "board.h"
#include "core/vm.h"
#include "drivers/global_timer.h"

_Static_assert(INTERVAL_MAX_MS <= UINT32_MAX / (BOARD_TIMER_CLOCK_HZ / 1000u), "32 bits of the global timer");

static inline const struct schedule *task_schedule(const struct vm *vm, unsigned task) {
  const struct vm_config *config = vm->config;
  return vm->guest == config->guest ? &config->task_schedules[task] : &config->task_schedule;
}

static inline bool schedule_has_end(const struct schedule *schedule) {
  return (schedule->switches | schedule->interval_ms) != 0;
}

static inline void schedule_begin(const struct schedule *schedule, uint16_t *switches_left, uint32_t *since) {
  *switches_left = schedule->switches;
  *since = timer_now_low();
}

/* At a switch: whether the checkpoint is to be taken now, and then the next one is waited for. */
static inline bool schedule_due(const struct schedule *schedule, uint16_t *switches_left, uint32_t *since) {
  if (schedule->switches != 0) {
    if (--*switches_left != 0) {
      return false;
    }
    *switches_left = schedule->switches;
    return true;
  }
  uint32_t now = timer_now_low();
  if (schedule->interval_ms == 0 || now - *since < schedule->interval_ms * (BOARD_TIMER_CLOCK_HZ / 1000u)) {
    return false;
  }
  *since = now;
  return true;
}

#endif
