/* SPDX-License-Identifier: Apache-2.0 */
/* The words for a fault on the VMM's console. */
#include "core/fault.h"
#include "core/fault_log.h"
#include "core/print.h"
#include "vmi_fault_words.h"

static uint32_t told; /* sequence number of the next record to tell */

static const char *const kinds[] = {
    [VMI_FAULT_DATA] = "data abort",
    [VMI_FAULT_PREFETCH] = "prefetch abort",
    [VMI_FAULT_UNDEFINED] = "undefined instruction",
    [VMI_FAULT_ASYNC] = "asynchronous abort",
    [VMI_FAULT_CALL] = "refused call",
    [VMI_FAULT_WATCHDOG] = "watchdog",
    [VMI_FAULT_SCRUB] = "scrubber",
    [VMI_FAULT_CHECK] = "failed check",
    [VMI_FAULT_GUEST] = "reported",
    [VMI_FAULT_REQUEST] = "rollback requested",
};
static const char *const classes[] = {
    [VMI_CLASS_ALIGNMENT] = "alignment",
    [VMI_CLASS_TRANSLATION] = "translation",
    [VMI_CLASS_DOMAIN] = "domain",
    [VMI_CLASS_PERMISSION] = "permission",
    [VMI_CLASS_EXTERNAL] = "external",
    [VMI_CLASS_ASYNC] = "asynchronous",
    [VMI_CLASS_PARITY] = "parity",
    [VMI_CLASS_ACCESS_FLAG] = "access flag",
    [VMI_CLASS_MAINTENANCE] = "maintenance",
    [VMI_CLASS_DEBUG] = "debug",
    [VMI_CLASS_PLATFORM] = "platform",
    [VMI_CLASS_INSTRUCTION] = "instruction",
    [VMI_CLASS_STACK] = "stack overflow",
    [VMI_CLASS_EXECUTE] = "not executable",
    [VMI_CLASS_MISUSE] = "misuse",
    [VMI_CLASS_HANG] = "hang",
    [VMI_CLASS_PANIC] = "panic",
    [VMI_CLASS_BOOT] = "boot",
    [VMI_CLASS_TEXT] = "text",
    [VMI_CLASS_OBJECT] = "kernel object",
    [VMI_CLASS_BACKUP] = "backup",
    [VMI_CLASS_TABLE] = "page tables",
    [VMI_CLASS_VMM] = "VMM",
    [VMI_CLASS_REQUEST] = "console",
    [VMI_CLASS_OTHER] = "other",
};
static const char *const actions[] = {
    [VMI_ACTION_IGNORE] = "ignored",
    [VMI_ACTION_LOG] = "nothing done",
    [VMI_ACTION_TASK_ROLLBACK] = "task rolled back",
    [VMI_ACTION_TASK_RESTART] = "task restarted",
    [VMI_ACTION_VM_ROLLBACK] = "VM rolled back",
    [VMI_ACTION_OLDER_GENERATION] = "VM rolled back to an older generation",
    [VMI_ACTION_WARM_RESET] = "VM reset, persistent memory kept",
    [VMI_ACTION_COLD_RESTART] = "VM restarted from its pristine image",
    [VMI_ACTION_SUSPEND] = "VM suspended",
    [VMI_ACTION_VM_STOP] = "VM stopped",
    [VMI_ACTION_STANDBY] = "standby took over",
    [VMI_ACTION_SYSTEM_HALT] = "system halted",
    [VMI_ACTION_VMM_RESTART] = "VMM started anew",
};

static const char *thread_name(const struct vm *vm, uint8_t task) {
  return task < vm->guest->task_count ? vm->guest->task_names[task] : "kernel";
}

/* A flood of faults overwrites records before they are told: say how many, and go on with the newest one. */
static void skip_overwritten(void) {
  uint32_t behind = fault_log.next_sequence - told;
  if (behind > FAULT_LOG_CAPACITY) {
    print("[vmm] %u faults not told\n", behind - 1u);
    told = fault_log.next_sequence - 1u;
  }
}

void fault_report_from(uint32_t sequence) {
  told = sequence;
}

/* A status of DFSR or IFSR is more exact than its class, unless more than the status was looked at. */
static void print_what(const struct vmi_fault *fault) {
  const char *words = vmi_fault_explanation(fault);
  if (fault->class == VMI_CLASS_PANIC) {
    print("%s %u \"%s\"", classes[fault->class], fault->status, vm_numbered(fault->vm)->last_words);
  } else if (words == NULL) {
    print("%s", classes[fault->class]);
  } else if (fault->kind <= VMI_FAULT_ASYNC && fault->class != VMI_CLASS_STACK && fault->class != VMI_CLASS_EXECUTE) {
    print("%s", words);
  } else {
    print("%s: %s", classes[fault->class], words);
  }
}

bool fault_report(void) {
  struct vmi_fault fault;
  bool sealed = fault_log_seal();
  skip_overwritten();
  int32_t result = fault_log_read(told, &fault);
  if (result == VMI_EAGAIN) {
    return sealed;
  }
  told++;
  if (result == VMI_OK) {
    const struct vm *vm = vm_numbered(fault.vm);
    print("[vmm] fault %u: %s in %s/%s, ", fault.sequence, kinds[fault.kind], vm->config->name,
          thread_name(vm, fault.task));
    print_what(&fault);
    print(", pc %08x, address %08x: %s, %u pages, %u timer ticks\n", fault.pc, fault.address, actions[fault.action],
          fault.pages, fault.cost);
  }
  return true;
}
