// SPDX-License-Identifier: Apache-2.0
#include "core/outside.h"

#include "core/channel.h"
#include "core/console.h"
#include "core/recovery.h"
#include "core/sched.h"

/* Last of all: what was interrupted by a fault of the VMM is done again from its start. */
static void forget(struct vm *vm, uint32_t but) {
  vm->outside &= but;
  vm->outside_checks = 0;
}

static void input_take(struct vm *vm) {
  vm->saved.input = console_input_position(vm->index);
  console_input_keep(vm->index, vm->saved.input);
}

void outside_begin(struct vm *vm) {
  forget(vm, 0);
  input_take(vm);
  console_hold(vm->index, outside_is_held(vm));
  if (console_input_waits(vm->index)) {
    vm->vcpu->irq_pending |= VMI_IRQ_CONSOLE;
  }
}

void outside_read(struct vm *vm) {
  if (vm->tracked) {
    outside_note(vm, OUTSIDE_INPUT);
  } else {
    input_take(vm);
  }
}

void outside_commit(struct vm *vm) {
  input_take(vm);
  console_commit(vm->index);
  channel_commit(vm, vm->outside);
  forget(vm, 0);
}

void outside_drop(struct vm *vm) {
  console_drop(vm->index);
  forget(vm, 0);
}

void outside_end(struct vm *vm) {
  if (vm->outside != 0) {
    outside_commit(vm);
  }
}

void outside_rollback(struct vm *vm) {
  if (console_input_position(vm->index) != vm->saved.input) {
    console_input_rewind(vm->index, vm->saved.input);
  }
  console_drop(vm->index);
  forget(vm, OUTSIDE_PAGES); /* peers may have seen them younger: they are shown again */
}

/* With a schedule of safe points alone there are no other checkpoints. */
static bool may_save(const struct vm *vm) {
  return vm->tracked && (vm->config->schedule.switches | vm->config->schedule.interval_ms) != 0;
}

void outside_hurry(struct vm *vm) {
  if (may_save(vm)) {
    (void)recovery_safe_point(vm);
  }
}

void outside_wait(struct vm *vm) {
  (void)recovery_safe_point(vm);
  sched_give_up(vm);
  scheduler.changed = 1; /* the caller's registers belong to the checkpoint now: no fast way back */
}

void outside_housekeeping(void) {
  for (uint32_t i = 0; i < config_vm_count; i++) {
    struct vm *vm = &vms[i];
    if (vm->outside != 0 && vm->run_state == VMI_VM_RUNNING && may_save(vm) &&
        ++vm->outside_checks == vm->config->output_checks) {
      vm->outside_checks = 0;
      (void)(vm == current_vm ? recovery_safe_point(vm) : recovery_checkpoint(vm));
    }
  }
}
