/* SPDX-License-Identifier: Apache-2.0 */
/* Older generations (D7): the model keeps complete copies of them. */
#include <string.h>

#include "arch/armv7/mmu.h"
#include "core/standby.h"
#include "core/recovery.h"
#include "core/vm_memory.h"
#include "guest_random.h"
#include "machine.h"
#include "model_restore.h"
#include "recovery/generations.h"

bool __real_recovery_older_generation(struct vm *vm, struct vmi_fault *record);
bool __wrap_recovery_older_generation(struct vm *vm, struct vmi_fault *record);
void __wrap_recovery_promote(void);

void model_note_raised(struct model *m) {
  for (unsigned n = 0; n < m->older_count; n++) {
    m->older[n].raised |= m->raised;
  }
}

void model_promote(struct vm *vm) {
  struct model *m = model_of(vm);
  unsigned copies = machine_copies;
  generation_promote(vm);
  CHECK(machine_copies == copies, "D7: a promotion copies no page");
  for (unsigned n = vm->config->generations - 1u; n > 0; n--) {
    m->older[n] = m->older[n - 1u];
  }
  m->older_count += m->older_count < vm->config->generations;
  m->older[0] = (struct model_generation){.state = m->state,
                                          .running = m->running,
                                          .vcpu = m->vcpu,
                                          .tasks = m->tasks,
                                          .input = m->input,
                                          .saved_owner = m->saved_owner};
  m->older[0].vm = m->vm;
  model_totals.promotions++;
}

void model_take_older(struct model *m) {
  const struct model_generation *g = &m->older[0];
  m->vm = g->vm;
  m->state = g->state;
  m->running = g->running;
  m->vcpu = g->vcpu;
  m->tasks = g->tasks;
  m->input = g->input;
  m->saved_owner = g->saved_owner;
  m->raised |= g->raised;
  model_note_raised(m);
  m->older_count--;
  memmove(&m->older[0], &m->older[1], m->older_count * sizeof m->older[0]);
}

bool __wrap_recovery_older_generation(struct vm *vm, struct vmi_fault *record) {
  struct model *m = model_of(vm);
  bool there = vm->tracked && m->older_count != 0 && !m->older_damaged;
  unsigned copies = machine_copies;
  if (there) {
    model_take_older(m);
  }
  bool done = __real_recovery_older_generation(vm, record); /* by a rollback, which is compared with the checkpoint */
  CHECK(done == there, "D7: an older generation %s", done ? "from nowhere" : "is lost");
  CHECK(machine_copies == copies, "R28: a rollback copies no memory");
  CHECK(!done || vm->generations.count == m->older_count, "D7: generations that are left");
  model_totals.older_rollbacks += done;
  return done;
}

/*
 * When housekeeping promotes is another matter (test_promotion.c): here at any time, any VM. A detector that finds damage then
 * would go back to an older generation, also of a VM that does not run.
 */
void __wrap_recovery_promote(void) {
  struct vm *vm = &vms[1u + random_below(SMALL_VMS - 1u)];
  struct vmi_fault record = {0};
  if (vm->run_state == VMI_VM_EMPTY || vm_is_standby(vm) || !vm->tracked || vm->config->generations == 0) {
    return;
  }
  switch (random_below(6)) {
    case 0:
      (void)recovery_older_generation(vm, &record);
      break;
    case 1:
    case 2:
      model_promote(vm);
      break;
    default:
      break;
  }
}

/* A frame serves one purpose only. */
static void check_held(const struct vm *vm, unsigned page) {
  const struct model *m = model_of(vm);
  uint32_t va = small_pages[page].va;
  page_t record = vm->pages[va / SECTION_SIZE][va / PAGE_SIZE % L2_ENTRIES];
  uint32_t id = va / SECTION_SIZE << 18 | va / PAGE_SIZE % L2_ENTRIES << 2;
  int task = small_task(va);
  uint32_t held = 0;
  bool kept = false;
  for (unsigned n = 0; n < vm->generations.count; n++) {
    const struct page_list *list = &generation_at(vm, n)->pages;
    unsigned times = 0;
    for (unsigned i = 0; i < list->count; i++) {
      if ((list->pages[i] & ~0x1c00u) == id) {
        uint32_t bit = PAGE_HELD(list->pages[i] >> 10 & 7u);
        CHECK((held & bit) == 0, "%08x: a frame for two generations", va);
        held |= bit;
        times++;
      }
    }
    CHECK(times <= 1, "%08x is listed twice in generation %u", va, n);
    kept |= n == 0 && times == 1;
  }
  CHECK((record & (PAGE_KEPT - PAGE_HELD(0))) == held, "%08x: frames held %x, record %08x", va, held, record);
  CHECK(((record & PAGE_KEPT) != 0) == kept, "%08x: kept by the youngest generation or not", va);
  const uint32_t entries[] = {*vm_entry(vm->active_pt, va), *vm_entry(vm->backup_pt, va),
                              task >= 0 ? l2_table(vm->task_backup_pt[task])[va / PAGE_SIZE % L2_ENTRIES] : 0};
  for (unsigned i = 0; i < (task >= 0 ? 3u : 2u); i++) {
    CHECK((held & PAGE_HELD((pte_frame(entries[i]) - m->frames[page]) / PAGE_SIZE)) == 0,
          "%08x: a frame of an older generation is in use", va);
  }
}

static void check_registers(const struct vm *vm, unsigned n) {
  const struct generation *real = generation_at(vm, n);
  const struct model_generation *expected = &model_of(vm)->older[n];
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    const struct model_thread *thread = &expected->vm.thread[t];
    CHECK(model_registers_equal(expected->saved_owner, t, &real->registers[t], &thread->registers),
          "registers of thread %u in generation %u", t, n);
    CHECK(memcmp(real->vfp[t].d, thread->vfp.d, sizeof thread->vfp.d) == 0 && real->vfp[t].fpscr == thread->vfp.fpscr,
          "VFP registers of thread %u in generation %u", t, n);
  }
}

void model_check_generations(const struct vm *vm) {
  CHECK(vm->generations.count == model_of(vm)->older_count, "number of generations");
  for (unsigned page = 0; page < small_page_count; page++) {
    if (small_is_saved(page)) {
      check_held(vm, page);
    }
  }
  for (unsigned n = 0; n < vm->generations.count; n++) {
    check_registers(vm, n);
  }
}
