/* SPDX-License-Identifier: Apache-2.0 */
/* What the health monitor does about faults (D5), shown and changed. */
#include "lib/print.h"
#include "lib/string.h"
#include "lib/vmi_manage.h"
#include "vm0/command.h"
#include "vm0/lookup.h"
#include "vm0/policy_words.h"
#include "vm0/vm_operation.h"

#define KERNEL_ROW VMI_TASK_MAX
#define LINE_MAX 96u

static void print_classes(const struct vmi_policy *policy, uint32_t action) {
  size_t column = 0;

  for (uint32_t class = 0; class < VMI_CLASS_COUNT; class++) {
    if (policy->on[KERNEL_ROW][class] != action || class == VMI_CLASS_VMM || class == VMI_CLASS_REQUEST) {
      continue;
    }
    if (column == 0 || column + strlen(class_word(class)) >= LINE_MAX) {
      print("%s  %-17s", column == 0 ? "" : "\n", column == 0 ? action_word(action) : "");
      column = 19;
    }
    print(" %s", class_word(class));
    column += 1 + strlen(class_word(class));
  }
  if (column != 0) {
    print("\n");
  }
}

/* Only what is not as for the kernel. */
static void print_task(const struct vmi_policy *policy, uint32_t vm, uint32_t task) {
  for (uint32_t class = 0; class < VMI_CLASS_COUNT; class++) {
    if (policy->on[task][class] != policy->on[KERNEL_ROW][class]) {
      print("  %-17s %s by %s\n", action_word(policy->on[task][class]), class_word(class), task_name(vm, task));
    }
  }
}

static void print_step(const struct vmi_policy *policy, uint32_t action) {
  const struct vmi_policy_step *step = &policy->step[action];

  if (step->budget == VMI_POLICY_FOREVER) {
    print("  %-17s %6u %10s\n", action_word(action), (unsigned)step->used, "forever");
  } else {
    print("  %-17s %6u %10u %10u  %s\n", action_word(action), (unsigned)step->used, (unsigned)step->budget,
          (unsigned)step->window_ms, action_word(step->next));
  }
}

static void print_policy(uint32_t vm, const struct vmi_policy *policy) {
  struct vmi_task_info info;

  print("%s: action by class of the fault; a task that is entangled with its kernel takes the VM along\n", vm_name(vm));
  for (uint32_t action = 0; action < VMI_ACTION_COUNT; action++) {
    print_classes(policy, action);
  }
  for (uint32_t task = 0; vmi_task_info(vm, task, &info) == VMI_OK; task++) {
    print_task(policy, vm, task);
  }
  print("  %-17s %6s %10s %10s  %s\n", "ACTION", "USED", "BUDGET", "WINDOW MS", "THEN");
  for (uint32_t action = 0; action < VMI_ACTION_COUNT; action++) {
    print_step(policy, action);
  }
  print("change it: policy VM CLASS ACTION [TASK | kernel]\n"
        "       or: policy VM step ACTION BUDGET WINDOW_MS NEXT\n");
}

static bool lookup_action(const char *command, const char *word, uint32_t *action) {
  if (!find_action(word, action)) {
    print("%s: no action \"%s\", or more than one begins so; see 'policy VM'\n", command, word);
    return false;
  }
  return true;
}

/* policy VM CLASS ACTION [TASK | kernel] */
static bool parse_on(const struct words *words, uint32_t vm, struct vmi_policy_change *change) {
  change->what = VMI_POLICY_ON;
  change->task = VMI_TASK_ALL;
  if (words->count < 4 || words->count > 5) {
    print("usage: policy VM CLASS ACTION [TASK | kernel]\n");
    return false;
  }
  if (!find_class(words->word[2], &change->class)) {
    print("policy: no class of faults \"%s\", or more than one begins so; see 'policy VM'\n", words->word[2]);
    return false;
  }
  if (!lookup_action(words->word[0], words->word[3], &change->action)) {
    return false;
  }
  if (words->count == 5 && strcmp(words->word[4], "kernel") == 0) {
    change->task = VMI_TASK_KERNEL;
    return true;
  }
  return words->count == 4 || lookup_task(words->word[0], words->word[4], vm, &change->task);
}

/* policy VM step ACTION BUDGET WINDOW_MS NEXT */
static bool parse_step(const struct words *words, struct vmi_policy_change *change) {
  const char *command = words->word[0];

  change->what = VMI_POLICY_STEP;
  if (words->count != 7) {
    print("usage: policy VM step ACTION BUDGET WINDOW_MS NEXT\n");
    return false;
  }
  if (!lookup_action(command, words->word[3], &change->action) ||
      !lookup_number(command, words->word[4], &change->budget) ||
      !lookup_number(command, words->word[5], &change->window_ms) ||
      !lookup_action(command, words->word[6], &change->next)) {
    return false;
  }
  return true;
}

static void change_policy(const struct words *words, uint32_t vm) {
  struct vmi_policy_change change = {0};
  bool is_step = strcmp(words->word[2], "step") == 0;

  if (!(is_step ? parse_step(words, &change) : parse_on(words, vm, &change))) {
    return;
  }
  if (vmi_policy_set(vm, &change) != VMI_OK) {
    print("policy: refused: the next action must be a more severe one, the window 1 to 36000000 ms,\n"
          "  and vm_stop and system_halt, which end each chain, have no budget\n");
    return;
  }
  print("%s: policy changed\n", vm_name(vm));
}

void command_policy(const struct words *words) {
  struct vmi_policy policy;
  uint32_t vm;

  if (!lookup_vm(words->word[0], words->word[1], &vm)) {
    return;
  }
  if (words->count > 2) {
    change_policy(words, vm);
  } else if (operation_succeeded(words->word[0], vm, vmi_policy_read(vm, &policy))) {
    print_policy(vm, &policy);
  }
}
