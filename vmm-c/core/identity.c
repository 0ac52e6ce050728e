/* SPDX-License-Identifier: Apache-2.0 */
/* What a VM is to everybody else, apart from the memory and registers that it consists of. */
#include "core/vm.h"

struct identity {
  const struct vm_config *config;
  uint32_t after;
  uint32_t slice_ticks;
  uint32_t switches;
  uint32_t task_switches;
  uint32_t recoveries;
  uint32_t starts;
  struct vm_counters counters;
  uint8_t index;
};

static struct identity identity_of(const struct vm *vm) {
  return (struct identity){
      .config = vm->config,
      .after = vm->after,
      .slice_ticks = vm->slice_ticks,
      .switches = vm->switches,
      .task_switches = vm->task_switches,
      .recoveries = vm->recoveries,
      .starts = vm->starts,
      .counters = vm->counters,
      .index = vm->index,
  };
}

static void identity_give(struct vm *vm, const struct identity *identity) {
  vm->config = identity->config;
  vm->after = identity->after;
  vm->slice_ticks = identity->slice_ticks;
  vm->switches = identity->switches;
  vm->task_switches = identity->task_switches;
  vm->recoveries = identity->recoveries;
  vm->starts = identity->starts;
  vm->counters = identity->counters;
  vm->index = identity->index;
  scheduler.vms[identity->index] = vm;
}

void vm_exchange_identity(struct vm *a, struct vm *b) {
  struct identity of_a = identity_of(a);
  struct identity of_b = identity_of(b);
  identity_give(a, &of_b);
  identity_give(b, &of_a);
}
