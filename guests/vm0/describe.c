/* SPDX-License-Identifier: Apache-2.0 */
#include "vm0/describe.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const char *const states[] = {
    [VMI_VM_EMPTY] = "empty",   [VMI_VM_CREATED] = "created", [VMI_VM_RUNNING] = "running",
    [VMI_VM_PAUSED] = "paused", [VMI_VM_STOPPED] = "stopped", [VMI_VM_STANDBY] = "standby",
};

static const char *const duplicates[] = {
    [VMI_DUPLICATE_NONE] = "none yet",
    [VMI_DUPLICATE_UNSUITABLE] = "none: the guests have no memory in common",
    [VMI_DUPLICATE_PERSISTENT] = "persistent memory",
    [VMI_DUPLICATE_ALL] = "everything",
};

static const char *const kinds[] = {
    [VMI_FAULT_DATA] = "data abort",
    [VMI_FAULT_PREFETCH] = "prefetch abort",
    [VMI_FAULT_UNDEFINED] = "undefined instruction",
    [VMI_FAULT_ASYNC] = "asynchronous abort",
    [VMI_FAULT_CALL] = "refused call",
    [VMI_FAULT_WATCHDOG] = "watchdog",
    [VMI_FAULT_SCRUB] = "scrubber",
    [VMI_FAULT_CHECK] = "failed check",
    [VMI_FAULT_GUEST] = "report of the guest",
    [VMI_FAULT_REQUEST] = "request from the console",
};

static const char *const classes[] = {
    [VMI_CLASS_ALIGNMENT] = "alignment fault",
    [VMI_CLASS_TRANSLATION] = "translation fault",
    [VMI_CLASS_DOMAIN] = "domain fault",
    [VMI_CLASS_PERMISSION] = "permission fault",
    [VMI_CLASS_EXTERNAL] = "external abort",
    [VMI_CLASS_ASYNC] = "asynchronous external abort",
    [VMI_CLASS_PARITY] = "parity error",
    [VMI_CLASS_ACCESS_FLAG] = "access flag fault",
    [VMI_CLASS_MAINTENANCE] = "cache or TLB maintenance fault",
    [VMI_CLASS_DEBUG] = "debug event",
    [VMI_CLASS_PLATFORM] = "implementation defined fault",
    [VMI_CLASS_INSTRUCTION] = "undefined instruction",
    [VMI_CLASS_STACK] = "stack overflow",
    [VMI_CLASS_EXECUTE] = "jump into data",
    [VMI_CLASS_MISUSE] = "too many refused calls",
    [VMI_CLASS_HANG] = "hang",
    [VMI_CLASS_PANIC] = "panic",
    [VMI_CLASS_BOOT] = "failed boot",
    [VMI_CLASS_TEXT] = "text changed",
    [VMI_CLASS_OBJECT] = "kernel object broken",
    [VMI_CLASS_BACKUP] = "checkpoint damaged",
    [VMI_CLASS_TABLE] = "page tables damaged",
    [VMI_CLASS_VMM] = "fault of the VMM",
    [VMI_CLASS_REQUEST] = "rollback asked for",
    [VMI_CLASS_OTHER] = "other fault",
};

static const char *const actions[] = {
    [VMI_ACTION_IGNORE] = "ignored",
    [VMI_ACTION_LOG] = "nothing done",
    [VMI_ACTION_TASK_ROLLBACK] = "task rolled back",
    [VMI_ACTION_TASK_RESTART] = "task restarted",
    [VMI_ACTION_VM_ROLLBACK] = "VM rolled back",
    [VMI_ACTION_OLDER_GENERATION] = "VM rolled back to an older generation",
    [VMI_ACTION_WARM_RESET] = "VM reset, persistent memory kept",
    [VMI_ACTION_COLD_RESTART] = "VM started anew from its pristine image",
    [VMI_ACTION_SUSPEND] = "VM suspended",
    [VMI_ACTION_VM_STOP] = "VM stopped",
    [VMI_ACTION_STANDBY] = "standby took over",
    [VMI_ACTION_SYSTEM_HALT] = "system halted",
    [VMI_ACTION_VMM_RESTART] = "VMM started anew",
};

static const char *const reasons[] = {
    [VMI_REASON_POLICY] = "first level of the policy",
    [VMI_REASON_KERNEL_FAULT] = "the guest kernel executed",
    [VMI_REASON_SHARED_STATE] = "the task had changed shared state since its checkpoint",
    [VMI_REASON_BUDGET] = "retry budget of the lower level used up",
    [VMI_REASON_UNPROTECTED] = "the VM has no checkpoint",
    [VMI_REASON_UNAVAILABLE] = "the action of the policy is not possible",
};

/* Index: the negated value. */
static const char *const errors[] = {
    [-VMI_OK] = "ok",
    [-VMI_ENOCALL] = "the VMM does not know this call",
    [-VMI_EPERM] = "not allowed for this VM",
    [-VMI_EINVAL] = "an argument is out of range",
    [-VMI_EFAULT] = "a buffer is not accessible",
    [-VMI_ESTATE] = "not possible in its present state",
    [-VMI_EAGAIN] = "nothing there yet",
    [-VMI_ENOENT] = "no such thing",
    [-VMI_ENOMEM] = "the guest does not fit into the memory of the VM",
    [-VMI_EIMAGE] = "its image is not usable",
};

static const char *pick(const char *const *table, uint32_t count, uint32_t index) {
  return index < count ? table[index] : "unknown";
}

const char *describe_state(uint32_t state) {
  return pick(states, COUNT(states), state);
}

const char *describe_duplicate(uint32_t duplicate) {
  return pick(duplicates, COUNT(duplicates), duplicate);
}

const char *describe_output(uint32_t commit) {
  return commit != 0 ? "commit" : "immediate";
}

const char *describe_kind(uint32_t kind) {
  return pick(kinds, COUNT(kinds), kind);
}

const char *describe_class(uint32_t class) {
  return pick(classes, COUNT(classes), class);
}

const char *describe_action(uint32_t action) {
  return pick(actions, COUNT(actions), action);
}

const char *describe_reason(uint32_t reason) {
  return pick(reasons, COUNT(reasons), reason);
}

const char *describe_error(int32_t error) {
  return pick(errors, COUNT(errors), 0u - (uint32_t)error);
}
