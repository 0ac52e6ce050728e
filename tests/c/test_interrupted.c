// SPDX-License-Identifier: Apache-2.0
// like: test_recovery.c
// sources: tests/c/fakes/stepper.c
// flags: -fno-sanitize=all -mno-red-zone
/*
 * Invariant 3: a fault of the VMM after any instruction of a first write, a checkpoint or a rollback. In random states, the
 * function is stopped after each instruction that changed anything; recovery_complete and a rollback must then give the VM's
 * checkpoint, all of it, which is the old one or, from the first change of a commit on, the new one.
 *
 * INTERRUPTED_SEED=n INTERRUPTED_SEQUENCES=1 repeats one sequence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arch/armv7/mmu.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "core/task.h"
#include "guest.h"
#include "guest_random.h"
#include "machine.h"
#include "model.h"
#include "model_restore.h"
#include "recovery/generations.h"
#include "stepper.h"

#define SEQUENCES 20u
#define GOING_ON 200u
#define STEPS 240u
#define EVERY 20u /* steps between two functions that are stopped */

bool __real_recovery_first_write(struct vm *vm, uint32_t va);
struct context *__real_recovery_edit_frame(struct vm *vm, struct thread *thread);
void __real_recovery_task_created(struct vm *vm, unsigned task);
int32_t __real_recovery_checkpoint(struct vm *vm);
void __real_recovery_rollback_task(struct vm *vm, unsigned task, struct vmi_fault *record);
void __real_recovery_rollback_vm(struct vm *vm, struct vmi_fault *record);
void __real_switch_from_vm(void);
void __real_switch_to_task(struct vm *vm, unsigned task);
void __real_switch_to_idle(struct vm *vm);

struct experiment {
  struct vm *vm;
  unsigned task;
  uint32_t va;
  bool renewed; /* a commit has begun: the checkpoint is the present state */
  bool gone_back; /* the way to the youngest older generation has begun: that is the checkpoint */
};

typedef void (*operation)(void *argument);

static void do_checkpoint(void *argument) {
  const struct experiment *e = argument;
  model_of(e->vm)->ringing = model_of(e->vm)->bell;
  if (e->vm == current_vm) {
    __real_switch_from_vm();
  } else {
    (void)__real_recovery_checkpoint(e->vm);
  }
}

static void do_rollback_vm(void *argument) {
  const struct experiment *e = argument;
  struct vmi_fault record;
  __real_recovery_rollback_vm(e->vm, &record);
}

static void do_older_generation(void *argument) {
  const struct experiment *e = argument;
  if (e->vm->generations.count != 0) {
    generation_go_back(e->vm);
  }
}

static void do_promotion(void *argument) {
  const struct experiment *e = argument;
  if (e->vm->config->generations != 0) {
    generation_promote(e->vm);
  }
}

static void do_rollback_task(void *argument) {
  const struct experiment *e = argument;
  struct vmi_fault record;
  __real_recovery_rollback_task(e->vm, e->task, &record);
}

static void do_first_write(void *argument) {
  const struct experiment *e = argument;
  (void)__real_recovery_first_write(e->vm, e->va);
}

static void do_switch(void *argument) {
  const struct experiment *e = argument;
  if (e->vm == current_vm) {
    __real_switch_to_task(e->vm, e->task);
  }
}

static void do_idle(void *argument) {
  const struct experiment *e = argument;
  if (e->vm == current_vm && vm_in_kernel(e->vm)) {
    __real_switch_to_idle(e->vm);
  }
}

static void do_edit(void *argument) {
  const struct experiment *e = argument;
  (void)__real_recovery_edit_frame(e->vm, &e->vm->threads[e->task]);
}

static void do_create(void *argument) {
  const struct experiment *e = argument;
  __real_recovery_task_created(e->vm, e->task);
}

/* Does not concern recovery/: the ready table, of which a checkpoint copies only what it is told has changed. */
static void do_priority(void *argument) {
  const struct experiment *e = argument;
  struct context frame = {.r = {e->task, 1u + e->vm->tasks.priority[e->task] % 62u}};
  (void)task_priority(e->vm, &frame);
}

static const struct {
  const char *name;
  operation run;
  bool of_task;
} operations[] = {
    {"commit of the VM", do_checkpoint, false},
    {"rollback of the VM", do_rollback_vm, false},
    {"rollback of a task", do_rollback_task, true},
    {"first write", do_first_write, false},
    {"switch of tasks", do_switch, true},
    {"the kernel waits", do_idle, false},
    {"edit of registers", do_edit, true},
    {"creation of a task", do_create, true},
    {"priority of a task", do_priority, true},
    {"way to an older generation", do_older_generation, false},
    {"promotion", do_promotion, false},
};
#define OPERATIONS (sizeof operations / sizeof operations[0])

static unsigned examined[OPERATIONS];

/* In the middle of the function: the fault of the VMM. What is compared where: fakes/model_restore.c, model_tables.c. */
static void examine(void *argument) {
  struct experiment *e = argument;
  struct vmi_fault record = {0};
  e->renewed |= e->vm->committing;
  if (e->renewed) {
    model_checkpoint_vm(e->vm);
  }
  e->gone_back |= e->vm->going_back;
  if (e->gone_back) {
    model_take_older(model_of(e->vm));
  }
  model_of(e->vm)->older_count = 0; /* given up */
  CHECK(recovery_complete(e->vm), "there is no checkpoint");
  CHECK(recovery_complete(e->vm), "not twice");
  recovery_rollback_vm(e->vm, &record);
  CHECK(record.pages == e->vm->dirty.permanent, "a page is still different");
  model_check_tables(e->vm);
}

/* Tables and lists lie before the frames. */
static struct step_watch watched(const struct vm *vm) {
  const uint8_t *partition = (const uint8_t *)(uintptr_t)vm->config->memory_base;
  uint32_t first_frame = vm->pages[WINDOW_KERNEL][1] & PAGE_MASK;
  return (struct step_watch){{{vm, sizeof *vm}, {partition, first_frame - vm->config->memory_base}}};
}

static unsigned chosen;
static unsigned places; /* that the last one was stopped at */

static void experiment(struct context *frame) {
  struct experiment e = {.vm = &vms[1u + random_below(2)],
                         .task = random_below(SMALL_TASKS),
                         .va = small_pages[random_below(small_page_count)].va};
  (void)frame;
  bool of_task = operations[chosen].of_task;
  places = 0;
  if (e.vm->run_state == VMI_VM_EMPTY || !e.vm->tracked || (of_task && !ready_exists(&e.vm->tasks, e.task))) {
    return;
  }
  uint32_t base = vms[1].config->memory_base; /* two partitions in a row: a channel connects them */
  struct step_memory memory = {.base = base, .bytes = vms[2].memory_next - base};
  places = step_through(operations[chosen].run, examine, &e, memory, watched(e.vm));
}

static void power_on(uint32_t seed) {
  random_start(seed);
  small_configure(seed % 2u == 0 ? small_mixed : small_undo, 1, 1u + seed / 2u % 2u, seed / 4u % 2u * 2u,
                  seed % 3u == 0, true);
  small_power_on();
}

/* In this state the next function may not have anything to do: then the one after it. */
static void stop_one(void) {
  for (unsigned tried = 0; tried < OPERATIONS; tried++) {
    chosen = (chosen + 1u) % OPERATIONS;
    guest_exception(experiment);
    examined[chosen] += places;
    if (places != 0) {
      return;
    }
  }
}

static void run_sequence(uint32_t seed) {
  power_on(seed);
  chosen = seed % OPERATIONS;
  for (unsigned step = 0; step < STEPS; step++) {
    random_step(step);
    if (step % EVERY == EVERY - 1u) {
      stop_one();
    }
  }
  small_power_off();
}

/* As above where the function begins, and then the VMs go on: a fault of the VMM, survived. */
static void fault_of_vmm(struct context *frame) {
  struct experiment e = {.vm = &vms[1u + random_below(2)]};
  (void)frame;
  if (e.vm->run_state == VMI_VM_EMPTY || !e.vm->tracked) {
    CHECK(e.vm->tracked || !recovery_complete(e.vm), "a checkpoint of VM %u, which has none", e.vm->index);
    return;
  }
  if (e.vm != current_vm && random_below(2) == 0) { /* the registers of the current one are still in the CPU */
    e.vm->committing = true;
  } else if (e.vm->generations.count != 0 && random_below(2) == 0) {
    e.vm->going_back = true;
  }
  examine(&e);
  sched_resume();
}

/* Invariant 3. */
static void test_going_on(void **state) {
  (void)state;
  for (uint32_t seed = 1; seed <= GOING_ON; seed++) {
    power_on(seed);
    for (unsigned step = 0; step < STEPS; step++) {
      random_step(step);
      if (step % EVERY == EVERY - 1u) {
        guest_exception(fault_of_vmm);
      }
    }
    small_power_off();
  }
}

static uint32_t setting(const char *name, uint32_t otherwise) {
  const char *value = getenv(name);
  return value != NULL ? (uint32_t)strtoul(value, NULL, 0) : otherwise;
}

/* Invariant 3. */
static void test_every_instruction(void **state) {
  uint32_t seed = setting("INTERRUPTED_SEED", 1);
  uint32_t sequences = setting("INTERRUPTED_SEQUENCES", SEQUENCES);
  (void)state;
  memset(examined, 0, sizeof examined);
  for (uint32_t i = 0; i < sequences; i++) {
    run_sequence(seed + i);
  }
  for (unsigned i = 0; i < OPERATIONS; i++) {
    print_message("%-26s stopped at %u places\n", operations[i].name, examined[i]);
    assert_true(sequences != SEQUENCES || examined[i] > 20);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_instruction),
      cmocka_unit_test(test_going_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
