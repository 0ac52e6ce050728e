/* SPDX-License-Identifier: Apache-2.0 */
#include "core/watchdog.h"

#include "core/fault.h"
#include "core/sched.h"
#include "core/virq.h"

/* What was seen at the last look, and how long each thing has been wrong, in ticks. */
struct watch {
  uint32_t recoveries; /* with `starts`: whether it is still the life that was looked at */
  uint32_t starts;
  uint32_t ran;
  uint32_t waits;
  uint32_t interrupts;
  uint32_t taken;
  uint32_t kick;
  uint32_t task_waits[VMI_TASK_MAX];
  uint32_t lifeless;
  uint32_t masked;
  uint32_t stale;
  uint32_t booting;
  uint32_t alone;
  uint32_t busy[VMI_TASK_MAX];
};

/* What one look found out about a VM. */
struct finding {
  uint32_t ran;   /* ticks that it ran for since the last look */
  uint32_t could; /* that it ran or waited for */
  bool moved;     /* it took interrupts or ticks, or waited */
};

static struct watch watches[VM_MAX];
static uint32_t looked; /* sched_now of the last look */

/* Ticks that the VM ever ran for: its slices that ended, and what is used of the present one (core/vm.h). */
static uint32_t ticks_run(const struct vm *vm) {
  return vm->slice_ticks * (vm->switches + vm->signs.slices_more + 1u) - vm->slice_left + vm->signs.ticks_more;
}

static uint32_t kick_of(const struct vm *vm) {
  return *(const volatile uint32_t *)(const void *)((const uint8_t *)vm->vcpu + VMI_VCPU_KICK);
}

static uint32_t periods_taken(const struct vm *vm) {
  return vm->signs.periods - vm->vcpu->ticks;
}

static void remember(struct watch *w, const struct vm *vm) {
  w->recoveries = vm->recoveries;
  w->starts = vm->starts;
  w->ran = ticks_run(vm);
  w->waits = vm->signs.waits;
  w->interrupts = vm->signs.interrupts;
  w->taken = periods_taken(vm);
  w->kick = kick_of(vm);
}

static struct finding compare(const struct watch *w, const struct vm *vm, uint32_t elapsed) {
  int32_t ran = (int32_t)(ticks_run(vm) - w->ran); /* fast paths count a slice that was given up as a whole one */
  struct finding found = {.ran = ran < 0 ? 0 : (uint32_t)ran};
  if (found.ran > elapsed) {
    found.ran = elapsed;
  }
  found.could = vm->state.waiting ? elapsed : found.ran;
  found.moved = vm->signs.waits != w->waits || vm->signs.interrupts != w->interrupts || periods_taken(vm) != w->taken;
  return found;
}

/* The PC says where the VM, or the task, is at present. */
static void bark(struct vm *vm, uint32_t task, enum vmi_fault_class class, uint32_t status) {
  const struct thread *thread = task < VMI_TASK_MAX ? &vm->threads[task] : vm->thread;
  fault_event(vm, task,
              &(struct vmi_fault){.kind = VMI_FAULT_WATCHDOG,
                                  .class = (uint8_t)class,
                                  .status = status,
                                  .address = thread_frame(thread)->pc,
                                  .pc = thread_frame(thread)->pc});
}

static void bark_hang(struct vm *vm, uint32_t task, enum vmi_hang hang) {
  bark(vm, task, VMI_CLASS_HANG, hang);
}

/* Adds `more` to the time that something is wrong, or ends it; true, and from 0 again: longer than the limit (0: none). */
static bool exceeded(uint32_t *since, bool wrong, uint32_t more, uint32_t limit) {
  *since = wrong ? *since + more : 0;
  if (limit == 0 || *since <= limit) {
    return false;
  }
  *since = 0;
  return true;
}

static bool interrupts_masked(const struct vm *vm) {
  return vm_in_kernel(vm) && vm->vcpu->irq_masked != 0 && virq_deliverable(vm) != 0;
}

/* Not of a guest that never took any: it does not use them. */
static bool ticks_left_alone(const struct vm *vm, const struct watch *w) {
  return vm->state.timer_period != 0 && periods_taken(vm) != 0 && periods_taken(vm) == w->taken;
}

/*
 * As many periods of its time as may be left alone; 0: no more are. A short period is no reason to be impatient: a kernel may
 * mask interrupts for as long as its limit says.
 */
static uint32_t ticks_patience(const struct vm *vm) {
  const struct watchdog_config *limit = &vm->config->watchdog;
  uint32_t periods = limit->ticks_max * vm->state.timer_period;
  if (vm->vcpu->ticks <= limit->ticks_max) {
    return 0;
  }
  return periods != 0 && periods < limit->masked ? limit->masked : periods;
}

static bool boot_pending(const struct vm *vm) {
  return vm->guest->reports_ready && (vm->boot == VMI_BOOT_STARTED || vm->boot == VMI_BOOT_TIMEOUT);
}

/* true: one of the VM's watchdogs barked. */
static bool look_at_vm(struct vm *vm, struct watch *w, const struct finding *found) {
  const struct watchdog_config *limit = &vm->config->watchdog;
  bool alive = vm->signs.waits != w->waits || kick_of(vm) != w->kick;
  if (exceeded(&w->booting, boot_pending(vm), found->could, limit->ready)) {
    vm->boot = VMI_BOOT_TIMEOUT;
    bark(vm, VMI_TASK_KERNEL, VMI_CLASS_BOOT, VMI_BOOT_TIMEOUT);
  } else if (exceeded(&w->masked, !found->moved && interrupts_masked(vm), found->ran, limit->masked)) {
    bark_hang(vm, VMI_TASK_KERNEL, VMI_HANG_MASKED);
  } else if (exceeded(&w->stale, ticks_left_alone(vm, w), found->could, ticks_patience(vm))) {
    bark_hang(vm, VMI_TASK_KERNEL, VMI_HANG_TICKS);
  } else if (exceeded(&w->lifeless, !alive, found->ran, limit->vm)) {
    bark_hang(vm, VMI_TASK_KERNEL, VMI_HANG_LOOP);
  } else {
    return false;
  }
  return true;
}

/* The task that is found running is taken for the one that ran since the last look. */
static bool look_at_tasks(struct vm *vm, struct watch *w, const struct finding *found) {
  unsigned owner = thread_number(vm, vm->owner);
  for (unsigned task = 0; task < vm->guest->task_count; task++) {
    if (vm->guest->task_watchdogs[task] == 0) {
      continue;
    }
    bool ran_on = vm->signs.task_waits[task] == w->task_waits[task];
    w->task_waits[task] = vm->signs.task_waits[task];
    if (exceeded(&w->busy[task], ran_on, task == owner ? found->ran : 0, vm->guest->task_watchdogs[task])) {
      bark_hang(vm, task, VMI_HANG_TASK);
      return true;
    }
  }
  return false;
}

static bool wants_cpu(const struct vm *vm) {
  return vm->run_state == VMI_VM_RUNNING && !vm->state.waiting;
}

/* Somebody less urgent wants the CPU and had not a single tick. */
static bool starves_others(const struct vm *vm) {
  for (uint32_t i = 0; i < config_vm_count; i++) {
    const struct vm *other = &vms[i];
    if (wants_cpu(other) && other->config->priority > vm->config->priority && ticks_run(other) == watches[i].ran) {
      return true;
    }
  }
  return false;
}

static bool look_at_share(struct vm *vm, struct watch *w, const struct finding *found, uint32_t elapsed) {
  bool alone = found->ran == elapsed && vm->config->watchdog.run != 0 && starves_others(vm);
  if (!exceeded(&w->alone, alone, elapsed, vm->config->watchdog.run)) {
    return false;
  }
  bark_hang(vm, VMI_TASK_KERNEL, VMI_HANG_MONOPOLY);
  return true;
}

static void look_at(struct vm *vm, uint32_t elapsed) {
  struct watch *w = &watches[vm - vms];
  if (vm->starts != w->starts || vm->recoveries != w->recoveries) {
    *w = (struct watch){0};
    return;
  }
  struct finding found = compare(w, vm, elapsed);
  if (look_at_share(vm, w, &found, elapsed) || look_at_vm(vm, w, &found) || look_at_tasks(vm, w, &found)) {
    *w = (struct watch){0};
  }
}

/* All are looked at before any is remembered: who was starved is seen by all. */
void watchdog_look(void) {
  uint32_t elapsed = sched_now - looked;
  looked = sched_now;
  for (uint32_t i = 0; i < config_vm_count; i++) {
    if (vms[i].run_state == VMI_VM_RUNNING) {
      look_at(&vms[i], elapsed);
    }
  }
  for (uint32_t i = 0; i < config_vm_count; i++) {
    if (vms[i].run_state != VMI_VM_EMPTY) {
      remember(&watches[i], &vms[i]);
    }
  }
}
