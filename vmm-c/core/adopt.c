// SPDX-License-Identifier: Apache-2.0
#include "core/adopt.h"

#include "core/action.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "core/vm_check.h"
#include "core/vmm_fault.h"

#define MANAGEMENT_VM 0u
#define LATE_MAX (1u << 20) /* ticks that a timer may be late: a VM that was paused, not a flipped bit */

static bool guest_known(const struct vm *vm) {
  bool known = vm->guest == vm->config->guest;
  for (uint32_t i = 0; i < config_guest_count; i++) {
    known = known || vm->guest == config_guests[i];
  }
  return known;
}

/* While it went back to an older generation only that one, which is not checked, has all of its checkpoint. */
static bool believed(struct vm *vm) {
  return vm->run_state <= VMI_VM_STOPPED && recovery_protects(vm->config) && vm->tracked && !vm->going_back &&
         guest_known(vm) && vm_is_sound(vm) && recovery_complete(vm);
}

/* What the configuration knows is not believed, but set. */
static void renew_settings(struct vm *vm) {
  vm->slice_left = vm->slice_ticks;
  recovery_schedules_begin(vm);
}

static void check_timer(struct vm_state *state) {
  uint32_t ahead = state->timer_next - sched_now;
  if (ahead > state->timer_period && 0u - ahead > LATE_MAX) {
    state->timer_next = sched_now + state->timer_period;
  }
}

static void go_on(struct vm *vm) {
  struct vmi_fault *record = vmm_fault_log(vm->index, VMI_TASK_KERNEL, VMI_ACTION_VM_ROLLBACK, VMI_REASON_POLICY);
  sched_add(vm);
  renew_settings(vm);
  check_timer(&vm->saved.state);
  recovery_rollback_vm(vm, record);
  if (vm->run_state == VMI_VM_STOPPED) {
    sched_timer_set(vm, 0);
  }
  action_count(vm);
  vmm_fault_logged(record);
}

static void start_anew(struct vm *vm, uint8_t state) {
  uint8_t reason = recovery_protects(vm->config) ? VMI_REASON_UNAVAILABLE : VMI_REASON_UNPROTECTED;
  vmm_fault_logged(vmm_fault_log(vm->index, VMI_TASK_KERNEL, VMI_ACTION_COLD_RESTART, reason));
  if (vm_create(vm, guest_known(vm) ? vm->guest : vm->config->guest) != VMI_OK || state == VMI_VM_CREATED) {
    return;
  }
  vm->counters.cold_restarts = 1;
  vm->recoveries = 1;
  vm->info->recoveries = 1;
  vm_start(vm);
  if (state == VMI_VM_PAUSED) {
    vm_pause(vm);
  } else if (state == VMI_VM_STOPPED) {
    vm_stop(vm);
  }
}

/* The number that vms[i] had: it is not believed, but the two of a pair may have exchanged theirs (core/standby.h). */
static uint8_t number_of(uint32_t i) {
  const struct standby_config *pair = config_vms[i].standby;
  bool exchanged =
      pair != NULL && vms[pair->primary].index == pair->standby && vms[pair->standby].index == pair->primary;
  return exchanged ? (uint8_t)(pair->primary + pair->standby - i) : (uint8_t)i;
}

static void identify(void) {
  uint8_t numbers[VM_MAX];
  for (uint32_t i = 0; i < config_vm_count; i++) {
    numbers[i] = number_of(i);
  }
  for (uint32_t i = 0; i < config_vm_count; i++) {
    vms[i].index = numbers[i];
    vms[i].config = &config_vms[numbers[i]];
    vms[i].partition = &config_vms[i];
    scheduler.vms[numbers[i]] = &vms[i];
  }
}

/* A VM that is not believed counts as EMPTY until all others are set up: nothing of it is looked at by way of a channel. */
static void sort_out(uint8_t states[VM_MAX]) {
  identify();
  for (uint32_t i = 0; i < config_vm_count; i++) {
    struct vm *vm = &vms[i];
    states[i] = i == MANAGEMENT_VM ? (uint8_t)VMI_VM_RUNNING : vm->run_state;
    if (i == MANAGEMENT_VM || (vm->run_state != VMI_VM_EMPTY && !believed(vm))) {
      vm->run_state = VMI_VM_EMPTY;
    }
  }
}

void adopt_vms(void) {
  uint8_t states[VM_MAX];
  sort_out(states);
  for (uint32_t i = 0; i < config_vm_count; i++) {
    if (vms[i].run_state != VMI_VM_EMPTY) {
      go_on(&vms[i]);
    }
  }
  for (uint32_t i = 0; i < config_vm_count; i++) {
    if (states[i] != VMI_VM_EMPTY && vms[i].run_state == VMI_VM_EMPTY) {
      start_anew(&vms[i], states[i]);
    }
  }
  sched_poll();
}
