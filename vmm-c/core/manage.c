// SPDX-License-Identifier: Apache-2.0
#include "core/manage.h"

#include "board.h"
#include "core/black_box.h"
#include "core/console.h"
#include "core/fault.h"
#include "core/fault_log.h"
#include "core/guest_access.h"
#include "core/outside.h"
#include "core/print.h"
#include "core/recovery.h"
#include "core/standby.h"
#include "lib/string.h"

/* The VM that the first argument names, or NULL. */
static struct vm *target(const struct context *frame) {
  return frame->r[0] < config_vm_count ? vm_numbered(frame->r[0]) : NULL;
}

static int32_t answer(struct vm *caller, uint32_t to, const void *from, uint32_t size) {
  return guest_write(caller, to, from, size) ? VMI_OK : VMI_EFAULT;
}

/* `to` is all zero before, so the name stays terminated. */
static void name_copy(char to[VMI_NAME_SIZE], const char *name) {
  memcpy(to, name, strnlen(name, VMI_NAME_SIZE - 1u));
}

static void counters_copy(struct vmi_vm_info *info, const struct vm *of) {
  const struct vm_counters *counters = &of->counters;
  info->switches = of->switches;
  info->task_switches = of->task_switches;
  if (of->tracked) {
    info->checkpoints = of->switches + (uint32_t)counters->checkpoints_more;
    info->task_checkpoints = of->task_switches + (uint32_t)counters->task_checkpoints_more;
  }
  info->saved_pages = counters->saved_pages;
  info->faults = counters->faults;
  info->task_rollbacks = counters->task_rollbacks;
  info->vm_rollbacks = counters->vm_rollbacks;
  info->cold_restarts = counters->cold_restarts;
  info->task_restarts = counters->task_restarts;
  info->warm_resets = counters->warm_resets;
  info->refused = counters->refused;
}

int32_t manage_vm_info(struct vm *vm, struct context *frame) {
  const struct vm *of = target(frame);
  if (of == NULL) {
    return VMI_ENOENT;
  }
  bool empty = of->run_state == VMI_VM_EMPTY;
  struct vmi_vm_info info = {
      .state = of->run_state,
      .priority = of->config->priority,
      .task_count = of->guest->task_count,
      .current_task = empty ? VMI_TASK_KERNEL : of->vcpu->current_task,
      .fault_tolerant = recovery_protects(of->config),
      .memory_used = empty ? 0 : of->memory_next - of->partition->memory_base,
      .memory_size = of->partition->memory_size,
      .boot = of->boot,
      .output_commit = of->config->output_commit,
      .output_held = console_held(of->index),
      .input_lost = console_input_lost(of->index),
      .ticks_lost = of->counters.ticks_lost,
  };
  name_copy(info.name, of->config->name);
  name_copy(info.guest, of->guest->name);
  memcpy(info.last_words, of->last_words, sizeof info.last_words);
  counters_copy(&info, of);
  standby_describe(of, &info.pair);
  return answer(vm, frame->r[1], &info, sizeof info);
}

int32_t manage_guest_info(struct vm *vm, struct context *frame) {
  if (frame->r[0] >= config_guest_count) {
    return VMI_ENOENT;
  }
  const struct guest_config *guest = config_guests[frame->r[0]];
  const struct vm_config ordinary = {
      .fault_tolerant = true, .generations = 1, .output_commit = true}; /* as by default */
  struct vmi_guest_info info = {.task_count = guest->task_count, .memory_needed = vm_memory_needed(&ordinary, guest)};
  name_copy(info.name, guest->name);
  return answer(vm, frame->r[1], &info, sizeof info);
}

static void task_describe(struct vmi_task_info *info, struct vm *of, uint32_t task) {
  struct thread *thread = &of->threads[task];
  info->exists = 1;
  info->ready = ready_is(&of->tasks, task);
  info->priority = of->tasks.priority[task];
  info->pc = thread_frame(thread)->pc;
  info->rollbacks = thread->rollbacks;
}

int32_t manage_task_info(struct vm *vm, struct context *frame) {
  struct vm *of = target(frame);
  uint32_t task = frame->r[1];
  if (of == NULL || task >= of->guest->task_count) {
    return VMI_ENOENT;
  }
  struct vmi_task_info info = {0};
  name_copy(info.name, of->guest->task_names[task]);
  if (of->run_state != VMI_VM_EMPTY && ready_exists(&of->tasks, task)) {
    task_describe(&info, of, task);
  }
  return answer(vm, frame->r[2], &info, sizeof info);
}

int32_t manage_vm_create(struct vm *vm, struct context *frame) {
  struct vm *which = target(frame);
  uint32_t guest = frame->r[1];
  (void)vm;
  if (which == NULL || (guest >= config_guest_count && guest != MANAGE_GUEST_CONFIGURED)) {
    return VMI_ENOENT;
  }
  return vm_create(which, guest == MANAGE_GUEST_CONFIGURED ? which->config->guest : config_guests[guest]);
}

static int32_t change(const struct context *frame, int32_t (*operation)(struct vm *vm)) {
  struct vm *which = target(frame);
  return which != NULL ? operation(which) : VMI_ENOENT;
}

/* The management VM is the only way to start one again, so these are not for itself. */
static int32_t take_away(const struct vm *caller, const struct context *frame, int32_t (*operation)(struct vm *vm)) {
  return target(frame) == caller ? VMI_EPERM : change(frame, operation);
}

int32_t manage_vm_start(struct vm *vm, struct context *frame) {
  (void)vm;
  return change(frame, vm_start);
}

int32_t manage_vm_resume(struct vm *vm, struct context *frame) {
  (void)vm;
  return change(frame, vm_resume);
}

int32_t manage_vm_stop(struct vm *vm, struct context *frame) {
  return take_away(vm, frame, vm_stop);
}

int32_t manage_vm_pause(struct vm *vm, struct context *frame) {
  return take_away(vm, frame, vm_pause);
}

int32_t manage_vm_destroy(struct vm *vm, struct context *frame) {
  return take_away(vm, frame, vm_destroy);
}

static bool alive(const struct vm *vm) {
  return vm->run_state == VMI_VM_RUNNING || vm->run_state == VMI_VM_PAUSED;
}

static int32_t save_if_alive(struct vm *vm) {
  return alive(vm) ? recovery_checkpoint(vm) : VMI_ESTATE;
}

int32_t manage_vm_checkpoint(struct vm *vm, struct context *frame) {
  (void)vm;
  return change(frame, save_if_alive);
}

int32_t manage_vm_rollback(struct vm *vm, struct context *frame) {
  struct vm *which = target(frame);
  (void)vm;
  if (which == NULL) {
    return VMI_ENOENT;
  }
  return alive(which) ? fault_request_rollback(which, frame->r[1]) : VMI_ESTATE;
}

int32_t manage_vm_take_over(struct vm *vm, struct context *frame) {
  (void)vm;
  return change(frame, fault_request_take_over);
}

int32_t manage_fault_read(struct vm *vm, struct context *frame) {
  struct vmi_fault record;
  int32_t result = fault_log_read(frame->r[0], &record);
  return result == VMI_OK ? answer(vm, frame->r[1], &record, sizeof record) : result;
}

int32_t manage_policy_read(struct vm *vm, struct context *frame) {
  const struct vm *of = target(frame);
  struct vmi_policy policy;
  if (of == NULL) {
    return VMI_ENOENT;
  }
  health_read(&of->health, &policy);
  return answer(vm, frame->r[1], &policy, sizeof policy);
}

int32_t manage_policy_set(struct vm *vm, struct context *frame) {
  struct vm *of = target(frame);
  struct vmi_policy_change change;
  if (of == NULL) {
    return VMI_ENOENT;
  }
  if (!guest_read(vm, &change, frame->r[1], sizeof change)) {
    return VMI_EFAULT;
  }
  return health_change(&of->health, &change);
}

static int32_t last_words(struct vm *vm, const struct context *frame) {
  struct vmi_last_words words;
  if (!black_box_words(frame->r[0] - 1u, &words)) {
    return VMI_ENOENT;
  }
  return answer(vm, frame->r[1], &words, sizeof words);
}

int32_t manage_black_box(struct vm *vm, struct context *frame) {
  struct vmi_black_box info;
  if (frame->r[0] != 0) {
    return last_words(vm, frame);
  }
  black_box_describe(&info);
  return answer(vm, frame->r[1], &info, sizeof info);
}

int32_t manage_vm_log(struct vm *vm, struct context *frame) {
  char text[MANAGE_LOG_MAX];
  const struct vm *of = target(frame);
  uint32_t to = frame->r[2];
  uint32_t size = frame->r[3] < sizeof text ? frame->r[3] : (uint32_t)sizeof text;
  if (of == NULL) {
    return VMI_ENOENT;
  }
  if (!guest_may_write(vm, to, size)) {
    return VMI_EFAULT;
  }
  uint32_t oldest;
  int32_t copied = console_log(of->index, frame->r[1], text, size, &oldest);
  if (copied > 0) {
    guest_write(vm, to, text, (uint32_t)copied);
  }
  if (copied == VMI_ENOENT) {
    frame->r[1] = oldest;
  }
  return copied;
}

int32_t manage_vm_words(struct vm *vm, struct context *frame) {
  const struct vm *of = target(frame);
  if (of == NULL) {
    return VMI_ENOENT;
  }
  const struct vmi_vm_words *words = console_last_words(of->index);
  return words->length != 0 ? answer(vm, frame->r[1], words, sizeof *words) : VMI_EAGAIN;
}

int32_t manage_watch(struct vm *vm, struct context *frame) {
  (void)vm;
  if (frame->r[0] >> config_vm_count != 0) {
    return VMI_EINVAL;
  }
  console_watch(frame->r[0]);
  return VMI_OK;
}

int32_t manage_halt(struct vm *vm, struct context *frame) {
  (void)frame;
  for (uint32_t i = 0; i < config_vm_count; i++) {
    outside_end(&vms[i]);
  }
  console_flush();
  print("[vmm] halted by %s\n", vm->config->name);
  board_power_off();
}
