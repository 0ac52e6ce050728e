// SPDX-License-Identifier: Apache-2.0
#include "arch/armv7/mmu.h"
#include "core/recovery.h"
#include "core/vm_check.h"

#define PSR_F 0x40u
#define TIMER_PERIOD_MAX 63u

/* A flipped bit of a guest's saved flags must not make it privileged, nor deaf to interrupts. */
static bool frame_sound(image_t image) {
  return (image_context(image)->cpsr & (PSR_MODE | PSR_F | PSR_I | PSR_A)) == PSR_USR;
}

static bool image_sound(const struct thread *thread, image_t image) {
  return image == context_image(&thread->frames[0]) || image == context_image(&thread->frames[1]) ||
         image == context_image(&thread->frames[2]);
}

static uint32_t right_dacr(unsigned number) {
  return number == KERNEL_THREAD ? DACR_KERNEL : DACR_TASK(number);
}

/* A thread that never ran has a frame of zeros. */
static bool thread_sound(const struct vm *vm, unsigned number) {
  const struct thread *thread = &vm->threads[number];
  const struct ready_table *tasks = vm->committing ? &vm->tasks : &vm->saved.tasks;
  bool lives = number == KERNEL_THREAD || ready_exists(tasks, number);
  image_t vm_saved = thread->vm_saved != 0 ? thread->vm_saved : thread->task_saved;
  return image_sound(thread, thread->park) && image_sound(thread, thread->frame) &&
         image_sound(thread, thread->task_saved) && image_sound(thread, vm_saved) && thread->vfp_active < 3u &&
         thread->vfp_task_saved < 3u && thread->vfp_vm_saved < 3u && thread->dacr == right_dacr(number) &&
         (!lives || frame_sound(vm->committing ? thread->frame : vm_saved));
}

static bool threads_sound(const struct vm *vm) {
  for (unsigned number = 0; number < THREAD_COUNT; number++) {
    if (!thread_sound(vm, number)) {
      return false;
    }
  }
  return vm->kernel == &vm->threads[KERNEL_THREAD];
}

static bool is_thread(const struct vm *vm, const struct thread *thread) {
  for (unsigned number = 0; number < THREAD_COUNT; number++) {
    if (thread == &vm->threads[number]) {
      return true;
    }
  }
  return false;
}

static unsigned bits(uint32_t mask) {
  unsigned count = 0;
  for (; mask != 0; mask &= mask - 1u) {
    count++;
  }
  return count;
}

/* Each member is in the level of its priority and in no other, and one of the ready ones of a level holds its turn. */
static bool level_sound(const struct ready_table *t, unsigned level) {
  uint32_t members = t->members[level];
  uint32_t ready = members & t->ready;
  bool marked = (t->levels[level / 32u] >> (31u - level % 32u) & 1u) != 0;
  for (unsigned m = 0; m < VMI_TASK_MAX; m++) {
    bool here = ready_exists(t, m) && t->priority[m] == level;
    if (here != ((members >> m & 1u) != 0)) {
      return false;
    }
  }
  return marked == (ready != 0) && bits(members & t->last & t->ready) == (ready != 0) && members >> VMI_TASK_MAX == 0;
}

static bool ready_sound(const struct vm *vm, const struct ready_table *t) {
  for (unsigned level = 0; level < VMI_PRIORITY_COUNT; level++) {
    if (!level_sound(t, level)) {
      return false;
    }
  }
  return t->exists >> vm->guest->task_count == 0 && (t->ready & ~t->exists) == 0;
}

/* While a commit was under way the present state is the checkpoint. */
static bool state_sound(const struct vm *vm) {
  const struct ready_table *tasks = vm->committing ? &vm->tasks : &vm->saved.tasks;
  const struct vm_state *state = vm->committing ? &vm->state : &vm->saved.state;
  return ready_sound(vm, tasks) && state->timer_period <= TIMER_PERIOD_MAX && is_thread(vm, vm->thread) &&
         is_thread(vm, vm->owner) && is_thread(vm, vm->saved.thread) && is_thread(vm, vm->saved.owner);
}

bool vm_is_sound(const struct vm *vm) {
  return vm_memory_is_sound(vm) && threads_sound(vm) && state_sound(vm);
}
