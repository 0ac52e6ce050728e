// SPDX-License-Identifier: Apache-2.0
#include "core/vmm_fault.h"

#include <stdbool.h>
#include <stddef.h>

#include "arch/armv7/cp15.h"
#include "core/black_box.h"
#include "core/config.h"
#include "core/fault_log.h"
#include "core/health.h"
#include "core/preserved.h"
#include "core/print.h"
#include "core/sched.h"
#include "core/vm.h"
#include "drivers/global_timer.h"

_Noreturn void vmm_restart(void); /* start.S */

extern const uint8_t __stack_svc_guard[], __stack_svc_base[], __stack_svc_top[];

/* Values that memory does not have by chance: what is none of them counts as TELLING. */
enum phase {
  PHASE_STARTING = 0, /* preserved memory is cleared at a reset */
  PHASE_READY = 0x59444145,
  PHASE_TELLING = 0x4c4c4554,
  PHASE_RESTARTING = 0x54524154,
};

static PRESERVED struct {
  uint32_t phase;
  uint32_t restarts;
  uint32_t last; /* health_time of the last restart */
  uint32_t record;
} state;

static const char *const kinds[] = {
    [VMM_FAULT_DATA] = "data abort",
    [VMM_FAULT_PREFETCH] = "prefetch abort",
    [VMM_FAULT_UNDEFINED] = "undefined instruction",
    [VMM_FAULT_EXCEPTION] = "unexpected exception",
};
static const uint8_t detectors[] = {
    [VMM_FAULT_DATA] = VMI_FAULT_DATA,           [VMM_FAULT_PREFETCH] = VMI_FAULT_PREFETCH,
    [VMM_FAULT_UNDEFINED] = VMI_FAULT_UNDEFINED, [VMM_FAULT_EXCEPTION] = VMI_FAULT_CHECK,
    [VMM_FAULT_RAISED] = VMI_FAULT_CHECK,
};

struct fault {
  const struct vmm_registers *registers;
  uint32_t kind;
  uint32_t sp;
  uint32_t lr;
  enum vmi_fault_class class;
  uint32_t address;
  uint32_t status;
  bool restart;
};

void vmm_fault_ready(void) {
  state.phase = PHASE_READY;
}

uint32_t vmm_fault_record(void) {
  return state.record;
}

uint32_t vmm_fault_restarts(void) {
  return state.restarts;
}

struct vmi_fault *vmm_fault_log(uint8_t vm, uint8_t task, enum vmi_action action, uint8_t reason) {
  struct vmi_fault *record = fault_log_begin();
  uint64_t now = timer_now();
  *record = (struct vmi_fault){.time_lo = (uint32_t)now,
                               .time_hi = (uint32_t)(now >> 32),
                               .vm = vm,
                               .task = task,
                               .kind = VMI_FAULT_CHECK,
                               .class = VMI_CLASS_VMM,
                               .action = (uint8_t)action,
                               .reason = reason,
                               .owner_window = 0xff};
  return record;
}

void vmm_fault_logged(struct vmi_fault *record) {
  record->cost = timer_now_low() - record->time_lo;
  fault_log_commit(record);
}

/* Nothing is believed that a pointer says. */
static uint8_t running_vm(void) {
  for (uint8_t i = 0; i < config_vm_count; i++) {
    if (current_vm == scheduler.vms[i]) {
      return i;
    }
  }
  return 0;
}

/* What the fault status registers mean depends on the kind. */
static void explain(struct fault *fault) {
  fault->class = VMI_CLASS_VMM;
  if (fault->kind == VMM_FAULT_DATA) {
    fault->address = read_dfar();
    fault->status = read_dfsr();
  } else if (fault->kind == VMM_FAULT_PREFETCH) {
    fault->address = read_ifar();
    fault->status = read_ifsr();
  } else if (fault->kind == VMM_FAULT_RAISED) {
    fault->class = (enum vmi_fault_class)fault->registers->r[0];
    fault->address = fault->registers->r[1];
  } else {
    fault->address = fault->registers->pc;
  }
}

static bool may_restart(const struct fault *fault, uint32_t phase) {
  uint64_t now = timer_now();
  uint32_t time = health_time((uint32_t)now, (uint32_t)(now >> 32));
  bool again = state.restarts != 0 && time - state.last < health_duration(config_vmm_window_ms);
  if (config_vmm_fault != VMM_RESTART || phase != PHASE_READY || fault->class == VMI_CLASS_TEXT || again) {
    return false;
  }
  state.last = time;
  state.restarts++;
  return true;
}

static void write_record(const struct fault *fault) {
  enum vmi_action action = fault->restart ? VMI_ACTION_VMM_RESTART : VMI_ACTION_SYSTEM_HALT;
  bool refused = !fault->restart && config_vmm_fault == VMM_RESTART;
  struct vmi_fault *record =
      vmm_fault_log(running_vm(), VMI_TASK_KERNEL, action, refused ? VMI_REASON_BUDGET : VMI_REASON_POLICY);
  record->kind = detectors[fault->kind];
  record->class = (uint8_t)fault->class;
  record->pc = fault->registers->pc;
  record->address = fault->address;
  record->status = fault->status;
  state.record = fault_log.next_sequence;
  vmm_fault_logged(record);
  while (fault_log_seal()) {
  }
}

static void write_last_words(const struct fault *fault) {
  struct vmi_last_words *words = black_box_words_begin();
  words->sequence = state.record;
  words->restarts = state.restarts;
  words->vm = running_vm();
  words->kind = detectors[fault->kind];
  for (unsigned i = 0; i < 13; i++) {
    words->r[i] = fault->registers->r[i];
  }
  words->sp = fault->sp;
  words->lr = fault->lr;
  words->pc = fault->registers->pc;
  words->cpsr = fault->registers->cpsr;
  words->dfsr = read_dfsr();
  words->dfar = read_dfar();
  words->ifsr = read_ifsr();
  words->ifar = read_ifar();
  uint32_t base = (uint32_t)(uintptr_t)__stack_svc_base;
  for (uint32_t i = 0, sp = fault->sp & ~3u; i < VMI_STACK_WORDS; i++, sp += 4u) {
    bool inside = sp >= base && sp < (uint32_t)(uintptr_t)__stack_svc_top;
    words->stack[i] = inside ? *(const uint32_t *)(uintptr_t)sp : 0;
  }
  black_box_words_commit(words);
}

static bool is_overflow(const struct fault *fault) {
  return fault->kind == VMM_FAULT_DATA && fault->address >= (uint32_t)(uintptr_t)__stack_svc_guard &&
         fault->address < (uint32_t)(uintptr_t)__stack_svc_base;
}

static void tell(const struct fault *fault) {
  const struct vmm_registers *registers = fault->registers;
  print_alone();
  const char *consequence = fault->restart ? "VMM starts anew" : "system stops";
  if (fault->kind == VMM_FAULT_RAISED) {
    print("[vmm] VMM FAULT: %s, address %08x; the %s\n",
          fault->class == VMI_CLASS_TEXT ? "text or constants of the VMM changed" : "failed check", fault->address,
          consequence);
  } else {
    print("[vmm] VMM FAULT: %s in the VMM itself%s; the %s\n", kinds[fault->kind],
          is_overflow(fault) ? ", stack overflow" : "", consequence);
  }
  for (unsigned i = 0; i < 13; i++) {
    print("%sr%u %08x%s", i % 4u == 0 ? "[vmm]   " : " ", i, registers->r[i], i % 4u == 3u ? "\n" : "");
  }
  print(" sp %08x lr %08x pc %08x\n", fault->sp, fault->lr, registers->pc);
  print("[vmm]   cpsr %08x dfsr %08x dfar %08x ifsr %08x ifar %08x vm %s\n", registers->cpsr, read_dfsr(), read_dfar(),
        read_ifsr(), read_ifar(), current_vm != NULL ? config_vms[running_vm()].name : "none");
}

_Noreturn void vmm_fault(const struct vmm_registers *registers, uint32_t kind, uint32_t sp, uint32_t lr) {
  uint32_t phase = state.phase;
  struct fault fault = {.registers = registers, .kind = kind, .sp = sp, .lr = lr};
  state.phase = PHASE_TELLING;
  if (phase != PHASE_READY && phase != PHASE_RESTARTING && phase != PHASE_STARTING) {
    vmm_stop(); /* a fault while another one is told: no more can be said */
  }
  explain(&fault);
  fault.restart = may_restart(&fault, phase);
  write_record(&fault);
  write_last_words(&fault);
  tell(&fault);
  if (fault.restart) {
    sched_note_failure();
    state.phase = PHASE_RESTARTING;
    vmm_restart();
  }
  print("[vmm] SYSTEM STOPPED\n");
  vmm_stop();
}

_Noreturn void vmm_stop(void) {
  for (;;) {
    wfi();
  }
}
