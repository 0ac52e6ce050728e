/* SPDX-License-Identifier: Apache-2.0 */
/* The model's side of each function of core/recovery.h. */
#include <string.h>

#include "core/console.h"
#include "core/guest_access.h"
#include "core/recovery.h"
#include "core/virq.h"
#include "machine.h"
#include "model.h"
#include "model_restore.h"

void __real_recovery_reset(struct vm *vm);
bool __real_recovery_first_write(struct vm *vm, uint32_t va);
struct context *__real_recovery_edit_frame(struct vm *vm, struct thread *thread);
void __real_recovery_task_created(struct vm *vm, unsigned task);
enum vmi_action __real_recovery_level(const struct vm *vm, const struct thread *thread, uint8_t *reason);
bool __real_recovery_backup_is_sound(struct vm *vm, unsigned thread, enum vmi_action action, struct vmi_fault *what);
int32_t __real_recovery_checkpoint(struct vm *vm);
int32_t __real_recovery_safe_point(struct vm *vm);
void __real_switch_from_vm(void);
void __real_switch_slice_ended(struct vm *vm);
void __real_switch_to_task(struct vm *vm, unsigned task);
void __real_switch_to_idle(struct vm *vm);
void __real_switch_to_kernel_call(struct vm *vm, const struct context *caller);
bool __real_guest_write(struct vm *vm, uint32_t va, const void *from, uint32_t n);
void __real_virq_raise(unsigned vm, uint32_t lines);

void __wrap_recovery_reset(struct vm *vm);
bool __wrap_recovery_first_write(struct vm *vm, uint32_t va);
struct context *__wrap_recovery_edit_frame(struct vm *vm, struct thread *thread);
void __wrap_recovery_task_created(struct vm *vm, unsigned task);
enum vmi_action __wrap_recovery_level(const struct vm *vm, const struct thread *thread, uint8_t *reason);
bool __wrap_recovery_backup_is_sound(struct vm *vm, unsigned thread, enum vmi_action action, struct vmi_fault *what);
int32_t __wrap_recovery_checkpoint(struct vm *vm);
int32_t __wrap_recovery_safe_point(struct vm *vm);
void __wrap_switch_from_vm(void);
void __wrap_switch_slice_ended(struct vm *vm);
void __wrap_switch_to_task(struct vm *vm, unsigned task);
void __wrap_switch_to_idle(struct vm *vm);
void __wrap_switch_to_kernel_call(struct vm *vm, const struct context *caller);
bool __wrap_guest_write(struct vm *vm, uint32_t va, const void *from, uint32_t n);
void __wrap_virq_raise(unsigned vm, uint32_t lines);

/* R20: the pages and the registers of one task. */
static void checkpoint_task(struct vm *vm, unsigned task) {
  struct model *m = model_of(vm);
  model_sync(vm);
  for (unsigned page = 0; page < small_page_count; page++) {
    if (small_task(small_pages[page].va) == (int)task) {
      memcpy(m->task.page[page], m->now.page[page], sizeof m->now.page[page]);
    }
  }
  m->task.thread[task] = m->now.thread[task];
  m->committed |= 1u << task;
  m->written &= ~(1u << task);
  m->changed &= ~(1u << task);
  model_totals.task_checkpoints++;
}

/* Whoever goes on running after a checkpoint has left it. */
static void goes_on(struct vm *vm) {
  model_of(vm)->committed &= ~(1u << model_of(vm)->owner);
}

/* R19, D4: everything. */
void model_checkpoint_vm(struct vm *vm) {
  struct model *m = model_of(vm);
  model_sync(vm);
  model_take_kernel(vm);
  model_note_raised(m);
  m->now.kernel_sp = vm_in_kernel(vm) ? m->now.thread[KERNEL_THREAD].registers.r[13] : vm->stack_top;
  m->vm = m->now;
  m->task = m->now;
  m->state = vm->state;
  m->running = thread_number(vm, vm->thread);
  m->saved_owner = m->owner;
  m->vcpu = *vm->vcpu;
  m->raised = 0;
  m->tasks = vm->tasks;
  m->input = console_input_position(vm->index);
  m->committed = ~0u;
  m->written = 0;
  m->changed = vm_in_kernel(vm) ? 1u << m->owner : 0;
  goes_on(vm);
  model_outside_commit(vm);
  model_totals.vm_checkpoints++;
}

void __wrap_recovery_reset(struct vm *vm) {
  struct model *m = model_of(vm);
  struct model_image kept = vm->tracked ? m->vm : m->now;
  bool warm = vm->info->start == VMI_START_WARM;
  for (unsigned page = 0; page < small_page_count; page++) {
    if (!small_is_saved(page)) {
      memcpy(kept.page[page], m->now.page[page], sizeof kept.page[page]);
    }
  }
  __real_recovery_reset(vm);
  memset(m, 0, sizeof *m);
  model_totals.loads++;
  model_totals.warm_loads += warm;
  for (unsigned page = 0; page < small_page_count; page++) {
    const uint8_t *content = warm && small_pages[page].persistent ? kept.page[page] : small_pages[page].content;
    memcpy(m->now.page[page], content, sizeof m->now.page[page]);
  }
  m->owner = KERNEL_THREAD;
  m->now.thread[KERNEL_THREAD].registers = *thread_frame(&vm->threads[KERNEL_THREAD]);
  m->vm_due = vm->config->schedule.switches;
  if (vm->tracked) {
    model_checkpoint_vm(vm);
    model_note_frames(vm);
  }
  model_compare_memory(vm);
}

bool __wrap_recovery_first_write(struct vm *vm, uint32_t va) {
  struct model *m = model_of(vm);
  int task = small_task(va);
  bool taken = __real_recovery_first_write(vm, va);
  if (taken && task >= 0 && task != m->owner) {
    m->written |= 1u << task;
    if ((m->committed >> task & 1u) == 0) {
      m->changed |= 1u << task;
    }
  }
  return taken;
}

bool __wrap_guest_write(struct vm *vm, uint32_t va, const void *from, uint32_t n) {
  bool done = __real_guest_write(vm, va, from, n);
  if (done) {
    model_write(vm, va, from, n); /* invariant 4 */
  }
  return done;
}

void __wrap_virq_raise(unsigned vm, uint32_t lines) {
  models[vm].raised |= lines;
  if (lines == VMI_IRQ_CHANNEL(0)) {
    model_bell_heard(vm);
  }
  __real_virq_raise(vm, lines);
}

struct context *__wrap_recovery_edit_frame(struct vm *vm, struct thread *thread) {
  model_of(vm)->edited |= 1u << (thread - vm->threads);
  return __real_recovery_edit_frame(vm, thread);
}

void __wrap_recovery_task_created(struct vm *vm, unsigned task) {
  struct model *m = model_of(vm);
  m->edited &= ~(1u << task);
  m->now.thread[task] = (struct model_thread){.registers = *thread_frame(&vm->threads[task])};
  CHECK(m->now.thread[task].registers.tpidrurw == 0, "a new task has thread-ID registers of somebody");
  if (m->owner == task) {
    m->owner = KERNEL_THREAD;
    m->now.thread[KERNEL_THREAD].registers.tpidrurw = cpu.tpidrurw;
  }
  m->task_due[task] = vm->config->task_schedules[task].switches;
  if (vm->tracked) {
    checkpoint_task(vm, task);
  }
  __real_recovery_task_created(vm, task);
}

/* D1, D6: a kernel takes its VM along; so does a task that changed, or is changing, more than its own state. */
enum vmi_action __wrap_recovery_level(const struct vm *vm, const struct thread *thread, uint8_t *reason) {
  const struct model *m = model_of(vm);
  enum vmi_action level = __real_recovery_level(vm, thread, reason);
  enum vmi_action expected = VMI_ACTION_TASK_ROLLBACK;
  unsigned t = thread_number(vm, thread);
  uint32_t number = m->now.thread[t].registers.r[12];
  bool in_call = vm_in_kernel(vm) && m->owner == t && number >= VMI_GUEST_CALL && number <= VMI_GUEST_CALL_MAX;
  if (!vm->tracked) {
    expected = VMI_ACTION_COLD_RESTART;
  } else if (t == KERNEL_THREAD || (m->changed >> t & 1u) != 0 || in_call) {
    expected = VMI_ACTION_VM_ROLLBACK;
  }
  CHECK(level == expected, "level %d, expected %d", (int)level, (int)expected);
  return level;
}

/* The kernel may have written what the task's checkpoint holds: it is taken again before anybody looks at it. */
bool __wrap_recovery_backup_is_sound(struct vm *vm, unsigned thread, enum vmi_action action, struct vmi_fault *what) {
  if (vm->sums != NULL && action == VMI_ACTION_TASK_ROLLBACK && model_of(vm)->owner != thread) {
    model_sync(vm);
    model_refresh_stopped(vm, thread);
  }
  return __real_recovery_backup_is_sound(vm, thread, action, what);
}

int32_t __wrap_recovery_checkpoint(struct vm *vm) {
  if (vm->tracked) {
    model_checkpoint_vm(vm);
  }
  return __real_recovery_checkpoint(vm);
}

/* R24: the checkpoint after so many switches, or only when the guest asks for it. */
static bool is_due(uint32_t *left, const struct schedule *schedule) {
  if (schedule->switches == 0 || --*left != 0) {
    return false;
  }
  *left = schedule->switches;
  return true;
}

/* A safe point: r0 of the call is in the checkpoint already. */
int32_t __wrap_recovery_safe_point(struct vm *vm) {
  if (vm->tracked) {
    model_checkpoint_vm(vm);
    model_totals.safe_points++;
  }
  return __real_recovery_safe_point(vm);
}

static void leave_vm(struct vm *vm) {
  if (vm != NULL && vm->tracked && is_due(&model_of(vm)->vm_due, &vm->config->schedule)) {
    model_checkpoint_vm(vm);
  }
}

void __wrap_switch_from_vm(void) {
  leave_vm(current_vm);
  __real_switch_from_vm();
}

void __wrap_switch_slice_ended(struct vm *vm) {
  leave_vm(vm);
  __real_switch_slice_ended(vm);
}

static void leave_owner(struct vm *vm) {
  struct model *m = model_of(vm);
  if (vm->tracked && m->owner != KERNEL_THREAD &&
      is_due(&m->task_due[m->owner], &vm->config->task_schedules[m->owner])) {
    checkpoint_task(vm, m->owner);
  }
}

void model_refresh_stopped(struct vm *vm, unsigned task) {
  struct model *m = model_of(vm);
  if ((m->written & m->committed) >> task & 1u) {
    checkpoint_task(vm, task);
    model_totals.refreshed++;
  }
}

void __wrap_switch_to_task(struct vm *vm, unsigned task) {
  struct model *m = model_of(vm);
  model_sync(vm);
  if (m->owner != task) {
    leave_owner(vm);
    if (vm->tracked) {
      model_refresh_stopped(vm, task);
    }
    m->owner = (uint8_t)task;
    goes_on(vm);
  }
  __real_switch_to_task(vm, task);
}

/* R20: a kernel that has nothing to run leaves the task like a switch does. */
void __wrap_switch_to_idle(struct vm *vm) {
  struct model *m = model_of(vm);
  model_sync(vm);
  if (m->owner != KERNEL_THREAD) {
    leave_owner(vm);
    m->owner = KERNEL_THREAD;
    m->now.thread[KERNEL_THREAD].registers.tpidrurw = cpu.tpidrurw;
    goes_on(vm);
  }
  __real_switch_to_idle(vm);
}

void __wrap_switch_to_kernel_call(struct vm *vm, const struct context *caller) {
  if (caller->r[12] != SMALL_PURE_CALL) {
    model_of(vm)->changed |= 1u << model_of(vm)->owner;
  }
  __real_switch_to_kernel_call(vm, caller);
}
