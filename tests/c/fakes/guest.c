/* SPDX-License-Identifier: Apache-2.0 */
#include "guest.h"

#include <string.h>

#include "arch/armv7/fault_status.h"
#include "arch/armv7/mmu.h"
#include "core/fault.h"
#include "core/fault_log.h"
#include "core/sched.h"
#include "core/vm_memory.h"
#include "core/vmi_dispatch.h"
#include "drivers/gic.h"
#include "machine.h"
#include "model.h"
#include "model_restore.h"

#define DFSR_WRITE 0x800u
#define FS_ALIGNMENT 0x01u

static struct context *registers_of(struct vm *vm, unsigned thread) {
  return &model_of(vm)->now.thread[thread].registers;
}

static void registers_set(struct context *to, const struct context *from) {
  memcpy(to->r, from->r, sizeof to->r);
  to->pc = from->pc;
  to->cpsr = from->cpsr;
}

static bool registers_equal(const struct context *a, const struct context *b, unsigned from) {
  return memcmp(a->r + from, b->r + from, sizeof a->r - from * sizeof a->r[0]) == 0 && a->pc == b->pc &&
         a->cpsr == b->cpsr;
}

/* A kernel is entered at a vector, or goes on where it was with at most r0 and r1 changed by a call. */
static void check_kernel(const struct context *expected) {
  const uint32_t entries[] = {VMI_VECTOR_RESET, VMI_VECTOR_CALL, VMI_VECTOR_IRQ};
  for (unsigned i = 0; i < sizeof entries / sizeof entries[0]; i++) {
    if (cpu.guest.pc == VMI_KERNEL_BASE + entries[i]) {
      return;
    }
  }
  CHECK(registers_equal(&cpu.guest, expected, 2), "registers of a kernel: pc %08x, expected %08x", cpu.guest.pc,
        expected->pc);
}

/* Only a VM that is to run does, and no period of its timer has ended unnoticed (R2, R3, D10). */
static void check_scheduled(const struct vm *vm) {
  CHECK(vm->run_state == VMI_VM_RUNNING && !vm->state.waiting, "VM %u should not run", vm->index);
  CHECK(vm->state.timer_period == 0 || (int32_t)(vm->state.timer_next - sched_now) > 0, "timer of VM %u is overdue",
        vm->index);
  if (model_of(vm)->waits && cpu.guest.pc != VMI_KERNEL_BASE + VMI_VECTOR_IRQ) {
    CHECK(cpu.guest.r[0] != 0, "VMI_WAIT of VM %u ended without an interrupt", vm->index);
  }
  model_of(vm)->waits = false;
}

/* Who runs now finds every register as it left it (D4), and the protection of its own (R9). */
static void check_running(void) {
  struct vm *vm = current_vm;
  unsigned thread = thread_number(vm, vm->thread);
  unsigned owned_by = thread_number(vm, vm->owner);
  struct context *expected = registers_of(vm, thread);
  const struct context *owner = registers_of(vm, owned_by);
  if (thread == KERNEL_THREAD) {
    check_kernel(expected);
  } else {
    CHECK(registers_equal(&cpu.guest, expected, 0), "registers of task %u: r0 %08x pc %08x, expected r0 %08x pc %08x",
          thread, cpu.guest.r[0], cpu.guest.pc, expected->r[0], expected->pc);
  }
  registers_set(expected, &cpu.guest);
  check_scheduled(vm);
  CHECK(model_of(vm)->owner == owned_by, "owner %u, expected %u", owned_by, model_of(vm)->owner);
  CHECK(cpu.tpidrurw == owner->tpidrurw, "thread-ID register");
  CHECK(cpu.dacr == (thread == KERNEL_THREAD ? DACR_KERNEL : DACR_TASK(thread)), "domains of thread %u", thread);
  CHECK(cpu.contextidr == vm->asid && (cpu.ttbr0 & PAGE_MASK) == ((uint32_t)(uintptr_t)vm->active_pt & PAGE_MASK),
        "address space of VM %u", vm->index);
}

void guest_exception(void (*handler)(struct context *frame)) {
  struct vm *vm = current_vm;
  registers_set(registers_of(vm, thread_number(vm, vm->thread)), &cpu.guest);
  machine_exception(handler);
  model_sync(vm);
  check_running();
}

void guest_boot(void) {
  sched_resume();
  machine_resume();
  check_running();
}

uint32_t guest_svc(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d) {
  struct vm *vm = current_vm;
  unsigned thread = thread_number(vm, vm->thread);
  const uint32_t arguments[] = {a, b, c, d};
  memcpy(cpu.guest.r, arguments, sizeof arguments);
  cpu.guest.r[12] = number;
  if (number < VMI_GUEST_CALL) {
    model_of(vm)->edited |= 1u << thread; /* r0 and r1 are results */
  }
  model_of(vm)->waits = number == VMI_WAIT && thread == KERNEL_THREAD;
  guest_exception(vmi_dispatch);
  return cpu.guest.r[0];
}

bool guest_store_legal(uint32_t va) {
  int task = small_task(va);
  bool exists = vm_entry(current_vm->active_pt, va) != NULL && *vm_entry(current_vm->active_pt, va) != 0;
  if (!exists || (small_page(va) < 0 && va / PAGE_SIZE != VMI_VCPU_PAGE / PAGE_SIZE)) {
    return false;
  }
  return vm_in_kernel(current_vm) ||
         (va >= VMI_SHARED_BASE && (task < 0 || current_vm->thread == &current_vm->threads[task]));
}

void guest_start_tasks(void) {
  while (current_vm != &vms[1] || !vm_in_kernel(current_vm)) {
    guest_tick();
  }
  for (unsigned task = 0; task < SMALL_TASKS; task++) {
    uint32_t window = VMI_TASK_BASE + task * VMI_WINDOW_SIZE;
    CHECK(guest_svc(VMI_TASK_CREATE, task, window, small_stack_top(task), 0) == VMI_OK, "create task %u", task);
    CHECK(guest_svc(VMI_TASK_RESUME, task, 0, 0, 0) == VMI_OK, "resume task %u", task);
  }
  guest_svc(VMI_TASK_SWITCH, 0, 0, 0, 0);
  CHECK(vm_current_task(current_vm) == 0, "the first task does not run");
}

void guest_dirty_own_pages(uint32_t value) {
  for (unsigned page = 0; page < small_page_count; page++) {
    if (small_task(small_pages[page].va) == (int)thread_number(current_vm, current_vm->thread)) {
      CHECK(guest_store(small_pages[page].va + value % 1024u * 4u, value), "a page of its own");
    }
  }
}

static void unchanged(struct context *frame) {
  (void)frame;
}

void guest_resume(void) {
  machine_resume();
  machine_exception(unchanged);
}

/* The fault log names who executed (D1). */
static bool was_logged(uint32_t sequence, unsigned vm, uint8_t task) {
  struct vmi_fault record;
  if (fault_log.next_sequence == sequence) {
    return false;
  }
  CHECK(fault_log_read(sequence, &record) == VMI_OK && record.vm == vm && record.task == task, "D1: who is at fault");
  return true;
}

bool guest_store(uint32_t va, uint32_t value) {
  bool legal = guest_store_legal(va);
  for (unsigned attempt = 0; attempt < 2; attempt++) {
    struct vm *vm = current_vm;
    uint8_t task = vm_current_task(vm);
    uint32_t sequence = fault_log.next_sequence;
    uint8_t *host = NULL;
    uint32_t status = machine_access(va, true, &host);
    if (status == 0) {
      CHECK(legal, "R9: task or kernel %u could write %08x", task, va);
      memcpy(host, &value, sizeof value);
      model_write(vm, va, &value, sizeof value);
      return true;
    }
    cpu.dfsr = status | DFSR_WRITE;
    cpu.dfar = va;
    guest_exception(fault_data);
    if (was_logged(sequence, vm->index, task)) {
      CHECK(!legal, "a store to %08x, which thread %u may do, was taken for a fault", va, task);
      return false;
    }
  }
  test_failed("the first write to %08x faults again", va);
}

static void fault(void (*handler)(struct context *frame)) {
  unsigned vm = current_vm->index;
  uint8_t task = vm_current_task(current_vm);
  uint32_t sequence = fault_log.next_sequence;
  guest_exception(handler);
  CHECK(was_logged(sequence, vm, task), "a fault was not taken for one");
}

void guest_unaligned_access(uint32_t va) {
  cpu.dfsr = FS_ALIGNMENT | DFSR_WRITE;
  cpu.dfar = va;
  fault(fault_data);
}

void guest_wild_jump(uint32_t pc) {
  cpu.guest.pc = pc;
  cpu.ifsr = FS_TRANSLATION_PAGE;
  cpu.ifar = pc;
  fault(fault_prefetch);
}

/* The address after the instruction is what the CPU stores (ARM ARM B1.8.2). */
static void undefined_entry(struct context *frame) {
  frame->pc += 4;
  fault_undefined(frame);
}

static void interrupt_entry(struct context *frame) {
  (void)frame;
  interrupt_handle(gic_acknowledge());
}

void guest_undefined_instruction(void) {
  if (!cpu.vfp_on) {
    guest_exception(undefined_entry); /* taken for the first VFP instruction */
    CHECK(cpu.vfp_on, "VFP not enabled");
  }
  fault(undefined_entry);
}

void guest_use_vfp(unsigned d, uint64_t value) {
  struct vfp_context *expected = &model_of(current_vm)->now.thread[thread_number(current_vm, current_vm->owner)].vfp;
  if (!cpu.vfp_on) {
    guest_exception(undefined_entry);
  }
  CHECK(cpu.vfp_on, "VFP not enabled");
  CHECK(memcmp(cpu.vfp.d, expected->d, sizeof expected->d) == 0 && cpu.vfp.fpscr == expected->fpscr,
        "VFP registers of thread %u: d0 %llx, expected %llx", thread_number(current_vm, current_vm->owner),
        (unsigned long long)cpu.vfp.d[0], (unsigned long long)expected->d[0]);
  cpu.vfp.d[d % 32u] = value;
  cpu.vfp.fpscr = (uint32_t)value & 0xf0000000u;
  *expected = cpu.vfp;
}

void guest_write_thread_id(uint32_t value) {
  cpu.tpidrurw = value;
  registers_of(current_vm, thread_number(current_vm, current_vm->owner))->tpidrurw = value;
}

void guest_tick(void) {
  machine_raise_tick();
  guest_exception(interrupt_entry);
}

void guest_typed(unsigned vm, char c) {
  machine_type(vms[vm].config->uart, c);
  guest_exception(interrupt_entry);
}

static struct vm *reset;

static void reset_vm(struct context *frame) {
  (void)frame;
  vm_warm_start(reset);
  sched_resume();
}

void guest_warm_reset(unsigned vm) {
  reset = &vms[vm];
  if (reset->run_state == VMI_VM_RUNNING || reset->run_state == VMI_VM_PAUSED) {
    guest_exception(reset_vm);
  }
}
