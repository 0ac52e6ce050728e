/* SPDX-License-Identifier: Apache-2.0 */
#include "guest_random.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/manage.h"
#include "guest.h"
#include "machine.h"
#include "model.h"

#define PAGE 0x1000u

static uint64_t generator;
static uint32_t sequence_seed;
static unsigned current_step;
static const char *doing = "start";

void random_start(uint32_t seed) {
  sequence_seed = seed;
  generator = seed * 0x9e3779b97f4a7c15u + 0x1234567u;
  current_step = 0;
}

uint32_t random_seed(void) {
  return sequence_seed;
}

static uint32_t random_word(void) {
  generator ^= generator >> 12;
  generator ^= generator << 25;
  generator ^= generator >> 27;
  return (uint32_t)(generator * 0x2545f4914f6cdd1du >> 32);
}

uint32_t random_below(uint32_t limit) {
  return random_word() % limit;
}

const char *random_place(void) {
  static char text[96];
  snprintf(text, sizeof text, "seed %u, step %u, %s", sequence_seed, current_step, doing);
  return text;
}

static bool one_in(uint32_t n) {
  return random_below(n) == 0;
}

/* Any word of any page that guests can write, or of one that they cannot. */
static uint32_t some_address(void) {
  static const uint32_t others[] = {
      0,          4,           VMI_KERNEL_BASE, VMI_SHARED_BASE, VMI_TASK_BASE, VMI_INFO_PAGE,
      0x60000000, 0xfffffffcu, 0x01100000,      0x00f00000,      0x00110000};
  if (one_in(12)) {
    return others[random_below(sizeof others / sizeof others[0])];
  }
  return small_pages[random_below(small_page_count)].va + random_below(PAGE / 4u) * 4u;
}

static uint32_t legal_address(void) {
  uint32_t va;
  do {
    va = some_address();
  } while (!guest_store_legal(va));
  return va;
}

static void op_registers(void) {
  unsigned thread = thread_number(current_vm, current_vm->thread);
  for (unsigned i = 0; i < 15; i++) {
    cpu.guest.r[i] = random_word();
  }
  cpu.guest.r[12] &= one_in(8) ? 0x1ffu : 0xffu;
  cpu.guest.r[13] = one_in(20) ? random_word() : small_stack_top(thread) - random_below(SMALL_STACK_SIZE / 4u) * 4u;
  cpu.guest.pc = VMI_SHARED_BASE + random_below(PAGE / 4u) * 4u;
  cpu.guest.cpsr = PSR_USR | (random_word() & 0xf8000200u);
}

static void op_store(void) {
  for (unsigned n = 1u + random_below(6); n != 0; n--) {
    (void)guest_store(legal_address(), random_word());
  }
}

static void op_vfp(void) {
  guest_use_vfp(random_below(32), (uint64_t)random_word() << 32 | random_word());
}

static void op_thread_id(void) {
  guest_write_thread_id(random_word());
}

static void op_tick(void) {
  guest_tick();
}

static void op_type(void) {
  guest_typed(1u + random_below(2), (char)random_below(256));
}

/* R32, R33: each kind of fault. */
static void op_fault(void) {
  uint32_t va = some_address();
  switch (random_below(4)) {
    case 0:
      guest_unaligned_access(va | 1u);
      break;
    case 1:
      guest_wild_jump(va);
      break;
    case 2:
      guest_undefined_instruction();
      break;
    default:
      (void)guest_store(va, random_word());
      break;
  }
}

static void op_task_call(void) {
  static const uint32_t calls[] = {SMALL_PURE_CALL, SMALL_PURE_CALL, SMALL_CALL, SMALL_CALL_HIGH};
  guest_svc(calls[random_below(4)], random_word(), random_word(), random_word(), random_word());
}

/* What a task may call of the VMI, and what it may not (R4, invariant 2). */
static void op_task_vmi(void) {
  static const uint32_t calls[] = {VMI_VERSION, VMI_TIME, VMI_CONSOLE_WRITE, VMI_YIELD, VMI_CHANNEL_NOTIFY};
  if (one_in(4)) {
    uint32_t number = random_below(VMI_CALL_COUNT + 3u);
    guest_svc(number, random_word(), random_word(), random_word(), random_word());
    return;
  }
  guest_svc(calls[random_below(5)], one_in(2) ? some_address() : 0, random_below(300), 0, 0);
}

/* D9: text, sometimes more than can be held. */
static void op_text(void) {
  const struct thread *thread = current_vm->thread;
  for (unsigned n = one_in(4) ? 12 : 1; n != 0 && current_vm->thread == thread; n--) {
    guest_svc(VMI_CONSOLE_WRITE, VMI_SHARED_BASE + PAGE + random_below(PAGE), random_below(257), 0, 0);
  }
}

static void op_bell(void) {
  guest_svc(VMI_CHANNEL_NOTIFY, one_in(4), 0, 0, 0);
}

static void op_create(void) {
  uint32_t task = random_below(SMALL_TASKS + one_in(10));
  uint32_t window = VMI_TASK_BASE + task * VMI_WINDOW_SIZE;
  uint32_t entry = one_in(10) ? some_address() : (one_in(2) ? window : VMI_SHARED_BASE) + random_below(64) * 4u;
  uint32_t sp = one_in(10) ? some_address() : small_stack_top(task) - random_below(SMALL_STACK_SIZE / 8u) * 8u;
  guest_svc(VMI_TASK_CREATE, task, entry, sp, random_word());
}

static void op_switch(void) {
  uint32_t to = one_in(3) ? VMI_TASK_NEXT : random_below(SMALL_TASKS);
  if (one_in(3)) {
    guest_svc(VMI_TASK_RETURN, random_word(), random_word(), 0, 0);
  } else {
    guest_svc(VMI_TASK_SWITCH, to, 0, 0, 0);
  }
}

/* What a well-behaved kernel does most of the time: go back to a task, or see to it that there is one. */
static void op_leave(void) {
  if (current_vm->tasks.exists != (1u << SMALL_TASKS) - 1u && one_in(3)) {
    op_create();
  } else if (ready_next(&current_vm->tasks) >= 0) {
    guest_svc(VMI_TASK_SWITCH, VMI_TASK_NEXT, 0, 0, 0);
  } else if (current_vm->tasks.exists != 0) {
    guest_svc(VMI_TASK_RESUME, random_below(SMALL_TASKS), 0, 0, 0);
  } else {
    op_create();
  }
}

static void op_manage_tasks(void) {
  static const uint32_t calls[] = {VMI_TASK_RESUME, VMI_TASK_RESUME,   VMI_TASK_RESUME, VMI_TASK_SUSPEND,
                                   VMI_TASK_RESULT, VMI_TASK_PRIORITY, VMI_TASK_RESULT, VMI_TASK_DELETE};
  uint32_t number = calls[random_below(8)];
  uint32_t second = number == VMI_TASK_PRIORITY ? random_below(66) : random_word();
  guest_svc(number, random_below(SMALL_TASKS + one_in(10)), second, random_word(), random_word());
}

/* The vCPU page: sensible, or whatever a hostile kernel puts there. */
static void op_vcpu(void) {
  static const uint32_t offsets[] = {VMI_VCPU_IRQ_MASKED, VMI_VCPU_IRQ_ENABLED, VMI_VCPU_IRQ_PENDING, VMI_VCPU_TICKS};
  if (one_in(8)) {
    guest_store(VMI_VCPU_PAGE + random_below(16) * 4u, random_below(20));
  } else {
    guest_store(VMI_VCPU_PAGE + offsets[random_below(4)], one_in(2) ? 0 : VMI_IRQ_TIMER | VMI_IRQ_CONSOLE);
  }
}

static void op_kernel_vmi(void) {
  switch (random_below(8)) {
    case 6:
    case 7:
      guest_svc(VMI_CHECKPOINT, random_word(), 0, 0, 0);
      break;
    case 0:
      guest_svc(VMI_TIMER_SET, one_in(2) ? 0 : 1000u * (1u + random_below(64)), 0, 0, 0);
      break;
    case 1:
      guest_svc(VMI_WAIT, 0, 0, 0, 0);
      break;
    case 2:
      guest_svc(VMI_IRQ_POLL, 0, 0, 0, 0);
      break;
    case 3:
      guest_svc(VMI_YIELD, 0, 0, 0, 0);
      break;
    case 4:
      guest_svc(VMI_CONSOLE_READ, some_address() + random_below(4), 1u + random_below(8), 0, 0);
      break;
    default:
      guest_svc(one_in(2) ? random_below(32) : random_word(), some_address(), some_address(), random_word(), 0);
      break;
  }
}

/* VM0 goes to sleep only with a timer that wakes it. */
static void op_vm0_wait(void) {
  if (current_vm->state.timer_period == 0 || (current_vm->vcpu->irq_enabled & VMI_IRQ_TIMER) == 0) {
    guest_store(VMI_VCPU_PAGE + VMI_VCPU_IRQ_ENABLED, VMI_IRQ_TIMER);
    guest_svc(VMI_TIMER_SET, 1000u * (1u + random_below(12)), 0, 0, 0);
  } else {
    guest_store(VMI_VCPU_PAGE + VMI_VCPU_IRQ_PENDING, 0);
    guest_svc(VMI_WAIT, 0, 0, 0, 0);
  }
}

/* R3: what VM0 can do to the others. */
static void op_manage_vms(void) {
  static const uint32_t calls[] = {VMI_VM_CHECKPOINT, VMI_VM_CHECKPOINT, VMI_VM_ROLLBACK, VMI_VM_ROLLBACK,
                                   VMI_VM_ROLLBACK,   VMI_VM_PAUSE,      VMI_VM_RESUME,   VMI_VM_RESUME,
                                   VMI_VM_START,      VMI_VM_START};
  uint32_t vm = 1u + random_below(2);
  uint32_t task = one_in(4) ? VMI_TASK_KERNEL : random_below(SMALL_TASKS);
  switch (random_below(16)) {
    case 4:
      guest_warm_reset(vm);
      break;
    case 0:
      guest_svc(one_in(2) ? VMI_VM_STOP : VMI_VM_DESTROY, vm, 0, 0, 0);
      break;
    case 1:
      guest_svc(VMI_VM_CREATE, vm, MANAGE_GUEST_CONFIGURED, 0, 0);
      break;
    case 2:
      guest_svc(VMI_VM_INFO, vm, some_address(), 0, 0);
      break;
    case 3:
      guest_svc(32u + random_below(10), random_below(5), some_address(), some_address(), random_below(300));
      break;
    default:
      guest_svc(calls[random_below(10)], vm, task, 0, 0);
      break;
  }
}

struct op {
  const char *name;
  void (*run)(void);
  unsigned weight;
};

static void choose(const struct op *ops) {
  unsigned total = 0;
  const struct op *op = ops;
  for (; op->run != NULL; op++) {
    total += op->weight;
  }
  unsigned pick = random_below(total);
  for (op = ops; pick >= op->weight; op++) {
    pick -= op->weight;
  }
  doing = op->name;
  if (getenv("RECOVERY_TRACE") != NULL) {
    fprintf(stderr, "%s: VM %u thread %u owner %u\n", random_place(), current_vm->index,
            thread_number(current_vm, current_vm->thread), thread_number(current_vm, current_vm->owner));
  }
  op->run();
}

static const struct op task_ops[] = {
    {"task: registers", op_registers, 6}, {"task: store", op_store, 12},   {"task: VFP", op_vfp, 3},
    {"task: thread ID", op_thread_id, 2}, {"task: call", op_task_call, 8}, {"task: VMI", op_task_vmi, 3},
    {"task: text", op_text, 2},           {"task: bell", op_bell, 1},      {"task: tick", op_tick, 8},
    {"task: fault", op_fault, 3},         {"task: input", op_type, 1},     {NULL, NULL, 0},
};

static const struct op kernel_ops[] = {
    {"kernel: leave", op_leave, 30},       {"kernel: registers", op_registers, 3},
    {"kernel: store", op_store, 6},        {"kernel: VFP", op_vfp, 1},
    {"kernel: create", op_create, 3},      {"kernel: switch", op_switch, 6},
    {"kernel: tasks", op_manage_tasks, 8}, {"kernel: vCPU page", op_vcpu, 3},
    {"kernel: VMI", op_kernel_vmi, 3},     {"kernel: tick", op_tick, 3},
    {"kernel: fault", op_fault, 1},        {"kernel: thread ID", op_thread_id, 1},
    {"kernel: input", op_type, 1},         {"kernel: text", op_text, 1},
    {"kernel: bell", op_bell, 1},          {NULL, NULL, 0},
};

static const struct op vm0_ops[] = {
    {"VM0: manage", op_manage_vms, 8}, {"VM0: wait", op_vm0_wait, 16},
    {"VM0: store", op_store, 2},       {"VM0: registers", op_registers, 1},
    {"VM0: VFP", op_vfp, 1},           {"VM0: fault", op_fault, 1},
    {"VM0: tick", op_tick, 4},         {NULL, NULL, 0},
};

void random_step(unsigned step) {
  current_step = step;
  if (!vm_in_kernel(current_vm)) {
    choose(task_ops);
  } else {
    choose(current_vm->index == 0 ? vm0_ops : kernel_ops);
  }
}
