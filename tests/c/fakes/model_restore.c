/* SPDX-License-Identifier: Apache-2.0 */
/* After a rollback: every byte and register of the restored part, and nothing else (R28, R29, R30, D4, invariant 1). */
#include "model_restore.h"

#include <stddef.h>
#include <string.h>

#include "arch/armv7/mmu.h"
#include "core/console.h"
#include "core/recovery.h"
#include "core/standby.h"
#include "core/vm_memory.h"
#include "machine.h"

void __real_recovery_rollback_task(struct vm *vm, unsigned task, struct vmi_fault *record);
void __real_recovery_rollback_vm(struct vm *vm, struct vmi_fault *record);
void __wrap_recovery_rollback_task(struct vm *vm, unsigned task, struct vmi_fault *record);
void __wrap_recovery_rollback_vm(struct vm *vm, struct vmi_fault *record);

void model_take_kernel(struct vm *vm) {
  struct context *to = &model_of(vm)->now.thread[KERNEL_THREAD].registers;
  const struct context *from = thread_frame(&vm->threads[KERNEL_THREAD]);
  memcpy(to->r, from->r, sizeof to->r);
  to->pc = from->pc;
  to->cpsr = from->cpsr;
}

/* What a checkpoint of an eager stack did not keep is whatever is there now. */
static void restore_page(struct vm *vm, unsigned page, struct model_image *image, uint32_t sp) {
  struct model *m = model_of(vm);
  if (!small_is_saved(page)) {
    memcpy(image->page[page], m->now.page[page], sizeof image->page[page]);
    return;
  }
  const uint32_t *entry = vm_entry(vm->active_pt, small_pages[page].va);
  const uint8_t *real = (const uint8_t *)(uintptr_t)pte_frame(*entry);
  memcpy(image->page[page], real, model_first_live(page, sp));
  memcpy(m->now.page[page], image->page[page], sizeof m->now.page[page]);
}

bool model_registers_equal(unsigned saved_owner, unsigned t, const struct context *a, const struct context *b) {
  bool own_id = t != KERNEL_THREAD || saved_owner == KERNEL_THREAD;
  return memcmp(a, b, own_id ? sizeof *a : offsetof(struct context, tpidrurw)) == 0;
}

static void check_registers(const struct vm *vm, unsigned t) {
  const struct thread *thread = &vm->threads[t];
  const struct model_thread *expected = &model_of(vm)->now.thread[t];
  const struct context *frame = thread_frame(thread);
  const struct vfp_context *vfp = &vm->vfp[t][thread->vfp_active];
  CHECK(model_registers_equal(model_of(vm)->saved_owner, t, frame, &expected->registers),
        "registers of thread %u: r0 %08x pc %08x, expected %08x %08x", t, frame->r[0], frame->pc,
        expected->registers.r[0], expected->registers.pc);
  CHECK(memcmp(vfp->d, expected->vfp.d, sizeof vfp->d) == 0 && vfp->fpscr == expected->vfp.fpscr,
        "VFP registers of thread %u", t);
}

/* The CPU must not keep what the thread had there before. */
static void check_cpu(const struct vm *vm) {
  const struct context *owner = &model_of(vm)->now.thread[model_of(vm)->owner].registers;
  CHECK(!cpu.vfp_on, "VFP is still enabled");
  CHECK(cpu.tpidrurw == owner->tpidrurw, "thread-ID register not restored");
}

static void check_tasks(const struct ready_table *real, const struct ready_table *expected) {
  CHECK(memcmp(real, expected, sizeof *real) == 0, "ready table");
}

static void check_state(const struct vm_state *real, const struct vm_state *expected) {
  CHECK(real->waiting == expected->waiting, "waiting");
  CHECK(real->timer_period == expected->timer_period && real->timer_next == expected->timer_next, "virtual timer");
}

static void check_vcpu(const struct vmi_vcpu *real, const struct vmi_vcpu *expected) {
  CHECK(memcmp(real, expected, sizeof *real) == 0, "vCPU page");
}

/*
 * D9: what was raised since the checkpoint is pending, also if the guest has taken it since: interrupts may come once too
 * often, never be lost. The timer's follows from the restored timer (D10).
 */
static void check_restored_vcpu(const struct vmi_vcpu *real, const struct model *m) {
  uint32_t raised = m->raised & ~(uint32_t)VMI_IRQ_TIMER;
  struct vmi_vcpu copy = *real;
  CHECK(((m->vcpu.irq_pending | raised) & ~real->irq_pending) == 0, "D9: interrupts %x are lost, of %x raised since",
        (m->vcpu.irq_pending | raised) & ~real->irq_pending, raised);
  copy.irq_pending = m->vcpu.irq_pending;
  check_vcpu(&copy, &m->vcpu);
}

static void check_everywhere(void) {
  for (unsigned i = 0; i < SMALL_VMS; i++) {
    if (vms[i].run_state != VMI_VM_EMPTY && !vm_is_standby(&vms[i])) { /* holds a duplicate */
      model_compare_memory(&vms[i]);
    }
  }
}

/* What a rollback of one task must leave alone. */
struct others {
  struct vm_state state;
  struct thread *thread;
  struct thread *owner;
  struct vmi_vcpu vcpu;
  struct ready_table tasks;
  struct context frames[THREAD_COUNT];
  uint32_t l1[WINDOW_COUNT];
};

static void others_note(struct vm *vm, struct others *others) {
  others->state = vm->state;
  others->thread = vm->thread;
  others->owner = vm->owner;
  others->vcpu = *vm->vcpu;
  others->tasks = vm->tasks;
  memcpy(others->l1, vm->active_pt, sizeof others->l1);
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    others->frames[t] = *thread_frame(&vm->threads[t]);
  }
}

static void others_check(struct vm *vm, unsigned task, const struct others *others) {
  check_state(&vm->state, &others->state);
  CHECK(vm->thread == others->thread && vm->owner == others->owner, "R30: who runs");
  check_vcpu(vm->vcpu, &others->vcpu);
  check_tasks(&vm->tasks, &others->tasks);
  for (unsigned window = 0; window < WINDOW_COUNT; window++) {
    bool same = vm->active_pt[window] == others->l1[window];
    CHECK(same == (window != WINDOW_TASK + task), "R30: first-level entry %u", window);
  }
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    CHECK(t == task || memcmp(thread_frame(&vm->threads[t]), &others->frames[t], sizeof others->frames[t]) == 0,
          "R30: thread %u", t);
  }
}

void __wrap_recovery_rollback_task(struct vm *vm, unsigned task, struct vmi_fault *record) {
  static struct others others;
  struct model *m = model_of(vm);
  model_sync(vm);
  if (m->owner != task) {
    model_refresh_stopped(vm, task);
  }
  others_note(vm, &others);
  unsigned copies = machine_copies;
  __real_recovery_rollback_task(vm, task, record);
  CHECK(m->owner != task || machine_copies == copies, "R28: a rollback copies no memory");
  uint32_t sp = m->task.thread[task].registers.r[13];
  for (unsigned page = 0; page < small_page_count; page++) {
    if (small_task(small_pages[page].va) == (int)task) {
      restore_page(vm, page, &m->task, sp);
    }
  }
  m->now.thread[task] = m->task.thread[task];
  m->changed &= ~(1u << task);
  m->committed = m->owner == task ? m->committed & ~(1u << task) : m->committed | 1u << task;
  CHECK(record->old_table == others.l1[WINDOW_TASK + task], "R27: table before");
  CHECK(record->new_table == vm->active_pt[WINDOW_TASK + task], "R27: table after");
  others_check(vm, task, &others);
  check_registers(vm, task);
  if (vm == current_vm && m->owner == task) {
    check_cpu(vm);
  }
  check_everywhere();
  model_totals.task_rollbacks++;
}

static void restore_all(struct vm *vm) {
  struct model *m = model_of(vm);
  for (unsigned page = 0; page < small_page_count; page++) {
    int task = small_task(small_pages[page].va);
    restore_page(vm, page, &m->vm, task >= 0 ? m->vm.thread[task].registers.r[13] : m->vm.kernel_sp);
  }
  m->now = m->vm;
  m->task = m->vm;
  m->owner = m->saved_owner;
  m->committed = ~(1u << m->owner);
  m->written = 0;
  m->edited = 0;
  m->changed = m->running == KERNEL_THREAD ? 1u << m->owner : 0;
  model_outside_rollback(vm);
}

void __wrap_recovery_rollback_vm(struct vm *vm, struct vmi_fault *record) {
  struct model *m = model_of(vm);
  const uint32_t *active = vm->active_pt;
  const uint32_t *backup = vm->backup_pt;
  unsigned copies = machine_copies;
  __real_recovery_rollback_vm(vm, record);
  CHECK(machine_copies == copies, "R28: a rollback copies no memory");
  CHECK(vm->active_pt == backup && vm->backup_pt == active, "R29: the spaces are exchanged");
  restore_all(vm);
  check_state(&vm->state, &m->state);
  CHECK(thread_number(vm, vm->thread) == m->running && thread_number(vm, vm->owner) == m->saved_owner, "who runs");
  check_restored_vcpu(vm->vcpu, m);
  check_tasks(&vm->tasks, &m->tasks);
  CHECK(console_input_position(vm->index) == m->input, "D9: input consumed since is read again");
  m->vcpu = *vm->vcpu;
  m->raised = 0;
  m->waits = m->state.waiting;
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    check_registers(vm, t);
  }
  if (vm == current_vm) {
    check_cpu(vm);
  }
  check_everywhere();
  model_totals.vm_rollbacks++;
}
