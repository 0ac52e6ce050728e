/* SPDX-License-Identifier: Apache-2.0 */
/* When a checkpoint becomes an older generation (D7). */
#include "core/recovery.h"
#include "drivers/global_timer.h"
#include "recovery/generations.h"

static uint32_t checkpoints_taken(const struct vm *vm) {
  return vm->switches + (uint32_t)vm->counters.checkpoints_more;
}

/*
 * Not twice the same checkpoint; and not while a fault may still come back from damage that the checkpoint holds, or the
 * generations from before the damage would be lost.
 */
static bool promotion_due(struct vm *vm, uint32_t now) {
  struct generations *g = &vm->generations;
  if (g->recoveries != vm->recoveries) {
    g->recoveries = vm->recoveries;
    g->since = now;
    g->wait = health_duration(vm->config->generation_pause_ms);
  }
  return now - g->since >= g->wait && checkpoints_taken(vm) != g->checkpoints;
}

void recovery_promote(void) {
  static uint32_t next; /* one VM at a time, by turns */
  uint64_t time = timer_now();
  uint32_t now = health_time((uint32_t)time, (uint32_t)(time >> 32));
  for (uint32_t i = 0; i < config_vm_count; i++) {
    struct vm *vm = &vms[next];
    next = next + 1u < config_vm_count ? next + 1u : 0;
    bool lives = vm->run_state != VMI_VM_EMPTY && vm->run_state != VMI_VM_STANDBY;
    if (lives && vm->tracked && vm->config->generations != 0 && promotion_due(vm, now)) {
      generation_promote(vm);
      vm->generations.checkpoints = checkpoints_taken(vm);
      vm->generations.since = now;
      vm->generations.wait = health_duration(vm->config->generation_ms);
      return;
    }
  }
}
