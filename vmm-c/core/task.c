/* SPDX-License-Identifier: Apache-2.0 */
#include "core/task.h"

#include "arch/armv7/mmu.h"
#include "core/recovery.h"
#include "core/vm_memory.h"

static bool task_exists(const struct vm *vm, uint32_t task) {
  return task < vm->guest->task_count && ready_exists(&vm->tasks, task);
}

/* In one of the two windows a task may execute from. */
static bool entry_valid(const struct vm *vm, uint32_t task, uint32_t entry) {
  uint32_t window = entry / VMI_WINDOW_SIZE;
  if ((entry & 3u) != 0 || (window != WINDOW_SHARED && window != WINDOW_TASK + task)) {
    return false;
  }
  const uint32_t *pte = vm_entry(vm->active_pt, entry);
  return pte != NULL && *pte != 0 && pte_is_executable(*pte);
}

static bool stack_valid(const struct vm *vm, uint32_t task, uint32_t sp) {
  uint32_t word = sp - 4u;
  if ((sp & 7u) != 0 || word / VMI_WINDOW_SIZE != WINDOW_TASK + task) {
    return false;
  }
  const uint32_t *pte = vm_entry(vm->active_pt, word);
  return pte != NULL && *pte != 0 && (*pte & PTE_AP_MASK) != PTE_AP_USER_RO;
}

/* A task that is set up anew must not find the registers of its former life in the CPU. */
static void forget_owner(struct vm *vm, uint32_t task) {
  if (vm->owner == &vm->threads[task]) {
    vfp_set_enabled(false);
    vm->owner = vm->kernel;
  }
}

/* Let the task start at its entry. */
static void begin(struct vm *vm, uint32_t task) {
  const struct task_start *start = &vm->task_starts[task];
  struct context *frame = recovery_edit_frame(vm, &vm->threads[task]);
  *frame = (struct context){.pc = start->entry, .cpsr = PSR_USR};
  frame->r[0] = start->argument;
  frame->r[13] = start->sp;
  recovery_task_created(vm, task);
}

int32_t task_create(struct vm *vm, struct context *frame) {
  uint32_t task = frame->r[0];
  uint32_t entry = frame->r[1];
  uint32_t sp = frame->r[2];
  if (task >= vm->guest->task_count) {
    return VMI_ENOENT;
  }
  if (task_exists(vm, task)) {
    return VMI_ESTATE;
  }
  if (!entry_valid(vm, task, entry) || !stack_valid(vm, task, sp)) {
    return VMI_EINVAL;
  }
  vm->signs.task_waits[task]++;
  forget_owner(vm, task);
  vm->task_starts[task] = (struct task_start){entry, sp, frame->r[3]};
  ready_add(&vm->tasks, task, VMI_PRIORITY_COUNT - 1u);
  vm->tasks_changed |= 1u << task;
  vm->starts_lost &= ~(1u << task);
  begin(vm, task);
  return VMI_OK;
}

bool task_restart(struct vm *vm, unsigned thread) {
  if (!task_exists(vm, thread) || (vm->starts_lost >> thread & 1u) != 0) {
    return false;
  }
  vm_memory_reload(vm, WINDOW_TASK + thread);
  if (vm->owner == &vm->threads[thread]) {
    vm->thread_id = 0;
    if (vm == current_vm) {
      vfp_set_enabled(false);
      write_tpidrurw(0);
    }
  }
  begin(vm, thread);
  return true;
}

int32_t task_delete(struct vm *vm, struct context *frame) {
  uint32_t task = frame->r[0];
  if (!task_exists(vm, task)) {
    return VMI_ENOENT;
  }
  ready_remove(&vm->tasks, task);
  vm->tasks_changed |= TASKS_CHANGED;
  return VMI_OK;
}

int32_t task_suspend(struct vm *vm, struct context *frame) {
  uint32_t task = frame->r[0];
  if (!task_exists(vm, task)) {
    return VMI_ENOENT;
  }
  ready_clear(&vm->tasks, task);
  vm->signs.task_waits[task]++;
  return VMI_OK;
}

int32_t task_resume(struct vm *vm, struct context *frame) {
  uint32_t task = frame->r[0];
  if (!task_exists(vm, task)) {
    return VMI_ENOENT;
  }
  ready_set(&vm->tasks, task);
  return VMI_OK;
}

int32_t task_priority(struct vm *vm, struct context *frame) {
  uint32_t task = frame->r[0];
  if (!task_exists(vm, task)) {
    return VMI_ENOENT;
  }
  if (frame->r[1] >= VMI_PRIORITY_COUNT) {
    return VMI_EINVAL;
  }
  ready_change(&vm->tasks, task, frame->r[1]);
  vm->tasks_changed |= TASKS_CHANGED;
  return VMI_OK;
}

/* The task that VMI_TASK_SWITCH(task) means, or an error. */
static int32_t switch_target(struct vm *vm, uint32_t task) {
  if (task == VMI_TASK_NEXT) {
    int next = ready_next(&vm->tasks);
    return next < 0 ? VMI_EAGAIN : next;
  }
  if (!task_exists(vm, task)) {
    return VMI_ENOENT;
  }
  return ready_is(&vm->tasks, task) ? (int32_t)task : VMI_ESTATE;
}

int32_t task_switch(struct vm *vm, struct context *frame) {
  int32_t target = switch_target(vm, frame->r[0]);
  if (target < 0) {
    return target;
  }
  switch_to_task(vm, (unsigned)target);
  return VMI_OK;
}

static void result_set(struct vm *vm, uint32_t task, uint32_t value, uint32_t error) {
  struct context *caller = recovery_edit_frame(vm, &vm->threads[task]);
  caller->r[0] = value;
  caller->r[1] = error;
}

int32_t task_result(struct vm *vm, struct context *frame) {
  uint32_t task = frame->r[0];
  if (!task_exists(vm, task)) {
    return VMI_ENOENT;
  }
  if (!thread_in_guest_call(&vm->threads[task])) {
    return VMI_ESTATE;
  }
  result_set(vm, task, frame->r[1], frame->r[2]);
  return VMI_OK;
}

int32_t task_return(struct vm *vm, struct context *frame) {
  uint32_t caller = vm->vcpu->current_task;
  int next = ready_next(&vm->tasks);
  if (!task_exists(vm, caller)) {
    return VMI_ENOENT;
  }
  if (!thread_in_guest_call(&vm->threads[caller])) {
    return VMI_ESTATE;
  }
  if (next < 0) {
    return VMI_EAGAIN;
  }
  result_set(vm, caller, frame->r[0], frame->r[1]);
  switch_to_task(vm, (unsigned)next);
  return VMI_OK;
}
