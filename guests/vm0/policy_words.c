/* SPDX-License-Identifier: Apache-2.0 */
#include "vm0/policy_words.h"

#include "vm0/parse.h"

static const char *const classes[VMI_CLASS_COUNT] = {
    [VMI_CLASS_ALIGNMENT] = "alignment",
    [VMI_CLASS_TRANSLATION] = "translation",
    [VMI_CLASS_DOMAIN] = "domain",
    [VMI_CLASS_PERMISSION] = "permission",
    [VMI_CLASS_EXTERNAL] = "external",
    [VMI_CLASS_ASYNC] = "async",
    [VMI_CLASS_PARITY] = "parity",
    [VMI_CLASS_ACCESS_FLAG] = "access_flag",
    [VMI_CLASS_MAINTENANCE] = "maintenance",
    [VMI_CLASS_DEBUG] = "debug",
    [VMI_CLASS_PLATFORM] = "platform",
    [VMI_CLASS_INSTRUCTION] = "instruction",
    [VMI_CLASS_STACK] = "stack",
    [VMI_CLASS_EXECUTE] = "execute",
    [VMI_CLASS_MISUSE] = "misuse",
    [VMI_CLASS_HANG] = "hang",
    [VMI_CLASS_PANIC] = "panic",
    [VMI_CLASS_BOOT] = "boot",
    [VMI_CLASS_TEXT] = "text",
    [VMI_CLASS_OBJECT] = "object",
    [VMI_CLASS_BACKUP] = "backup",
    [VMI_CLASS_TABLE] = "table",
    [VMI_CLASS_VMM] = "vmm",
    [VMI_CLASS_REQUEST] = "request",
    [VMI_CLASS_OTHER] = "other",
};

static const char *const actions[VMI_ACTION_COUNT] = {
    [VMI_ACTION_IGNORE] = "ignore",
    [VMI_ACTION_LOG] = "log",
    [VMI_ACTION_TASK_ROLLBACK] = "task_rollback",
    [VMI_ACTION_TASK_RESTART] = "task_restart",
    [VMI_ACTION_VM_ROLLBACK] = "vm_rollback",
    [VMI_ACTION_OLDER_GENERATION] = "older_generation",
    [VMI_ACTION_WARM_RESET] = "warm_reset",
    [VMI_ACTION_COLD_RESTART] = "cold_restart",
    [VMI_ACTION_STANDBY] = "standby",
    [VMI_ACTION_SUSPEND] = "suspend",
    [VMI_ACTION_VM_STOP] = "vm_stop",
    [VMI_ACTION_SYSTEM_HALT] = "system_halt",
};

const char *class_word(uint32_t class) {
  return classes[class];
}

const char *action_word(uint32_t action) {
  return actions[action];
}

static const char *name_in(const void *context, size_t index) {
  const char *const *words = context;

  return words[index];
}

static bool find(const char *const *words, size_t count, const char *word, uint32_t *index) {
  const struct names names = {count, name_in, words};

  return find_name(&names, word, index) == FIND_ONE;
}

bool find_class(const char *word, uint32_t *class) {
  return find(classes, VMI_CLASS_COUNT, word, class);
}

bool find_action(const char *word, uint32_t *action) {
  return find(actions, VMI_ACTION_COUNT, word, action);
}
