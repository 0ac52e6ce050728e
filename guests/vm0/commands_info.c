/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of VMs and tasks. */
#include "lib/print.h"
#include "lib/vmi_manage.h"
#include "vm0/command.h"
#include "vm0/describe.h"
#include "vm0/lookup.h"
#include "vm0/vm_operation.h"
#include "vmi_fault_words.h"

static void print_table(void) {
  struct vmi_vm_info info;

  print("%-15s %-8s %10s %10s %11s %7s %10s %8s\n", "NAME", "STATE", "SWITCHES", "TASK SW.", "CHECKPOINTS", "FAULTS",
        "ROLLBACKS", "RESTARTS");
  for (uint32_t vm = 0; vmi_vm_info(vm, &info) == VMI_OK; vm++) {
    print("%-15s %-8s %10u %10u %11u %7u %10u %8u\n", info.name, describe_state(info.state), (unsigned)info.switches,
          (unsigned)info.task_switches, (unsigned)(info.checkpoints + info.task_checkpoints), (unsigned)info.faults,
          (unsigned)(info.task_rollbacks + info.vm_rollbacks),
          (unsigned)(info.task_restarts + info.warm_resets + info.cold_restarts));
  }
}

static void print_counter(const char *name, uint32_t value) {
  print("  %-18s %10u\n", name, (unsigned)value);
}

static void print_pair(const struct vmi_vm_info *info) {
  if (info->pair.standby == VMI_VM_NONE && info->pair.standby_for == VMI_VM_NONE) {
    return;
  }
  if (info->pair.standby != VMI_VM_NONE) {
    print("  %-18s %10s\n", "standby", vm_name(info->pair.standby));
  } else {
    print("  %-18s %10s\n", "standby of", vm_name(info->pair.standby_for));
  }
  print("  %-18s %10s\n", "duplicated", describe_duplicate(info->pair.duplicate));
  print_counter("duplicate, age ms", info->pair.duplicate_age);
  print_counter("duplications", info->pair.duplications);
  print_counter("pages duplicated", info->pair.duplicated_pages);
  print_counter("take-overs", info->pair.take_overs);
}

static void print_counters(uint32_t vm, const struct vmi_vm_info *info) {
  print("%s: %s, guest %s, priority %u, %s\n", info->name, describe_state(info->state), info->guest,
        (unsigned)info->priority, info->fault_tolerant != 0 ? "fault tolerant" : "not fault tolerant");
  print("  %-18s %10s\n", "current task", task_name(vm, info->current_task));
  print_counter("tasks", info->task_count);
  print_counter("VM switches", info->switches);
  print_counter("task switches", info->task_switches);
  print_counter("VM checkpoints", info->checkpoints);
  print_counter("task checkpoints", info->task_checkpoints);
  print_counter("pages saved", info->saved_pages);
  print_counter("faults", info->faults);
  print_counter("task rollbacks", info->task_rollbacks);
  print_counter("VM rollbacks", info->vm_rollbacks);
  print_counter("task restarts", info->task_restarts);
  print_counter("warm resets", info->warm_resets);
  print_counter("cold restarts", info->cold_restarts);
  print_counter("refused calls", info->refused);
  print("  %-18s %s\n", "boot", vmi_boot_words(info->boot));
  print("  %-18s %s\n", "last panic", info->last_words);
  print("  %-18s %10s\n", "output", describe_output(info->output_commit));
  print_counter("output held, bytes", info->output_held);
  print_counter("input lost, bytes", info->input_lost);
  print_counter("timer periods lost", info->ticks_lost);
  print_counter("memory used, bytes", info->memory_used);
  print_counter("memory, bytes", info->memory_size);
  print_pair(info);
}

void command_stats(const struct words *words) {
  const char *command = words->word[0];
  struct vmi_vm_info info;
  uint32_t vm;

  if (words->count == 1) {
    print_table();
  } else if (lookup_vm(command, words->word[1], &vm) && operation_succeeded(command, vm, vmi_vm_info(vm, &info))) {
    print_counters(vm, &info);
  }
}

static const char *task_state(const struct vmi_task_info *info) {
  if (info->exists == 0) {
    return "-";
  }
  return info->ready != 0 ? "ready" : "waiting";
}

void command_tasks(const struct words *words) {
  struct vmi_task_info info;
  uint32_t vm;

  if (!lookup_vm(words->word[0], words->word[1], &vm)) {
    return;
  }
  print("%4s  %-15s %-8s %8s %10s %9s\n", "TASK", "NAME", "STATE", "PRIORITY", "PC", "ROLLBACKS");
  for (uint32_t task = 0; vmi_task_info(vm, task, &info) == VMI_OK; task++) {
    print("%4u  %-15s %-8s %8u 0x%08x %9u\n", (unsigned)task, info.name, task_state(&info), (unsigned)info.priority,
          (unsigned)info.pc, (unsigned)info.rollbacks);
  }
}
