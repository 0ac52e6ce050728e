/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants of entries, page records, lists and register images (vmm-c/recovery/pages.h, core/vm.h). */
#include <string.h>

#include "arch/armv7/mmu.h"
#include "core/outside.h"
#include "core/vm_memory.h"
#include "machine.h"
#include "model_restore.h"

struct entries {
  uint32_t va;
  page_t record;
  uint32_t active;
  uint32_t backup;
  uint32_t task_backup;
  bool of_task;
};

static struct entries entries_of(const struct vm *vm, unsigned page) {
  uint32_t va = small_pages[page].va;
  int task = small_task(va);
  struct entries e = {.va = va,
                      .record = vm->pages[va / SECTION_SIZE][va / PAGE_SIZE % L2_ENTRIES],
                      .active = *vm_entry(vm->active_pt, va),
                      .backup = *vm_entry(vm->backup_pt, va),
                      .of_task = task >= 0};
  e.task_backup = e.of_task ? l2_table(vm->task_backup_pt[task])[va / PAGE_SIZE % L2_ENTRIES] : e.backup;
  return e;
}

void model_note_frames(struct vm *vm) {
  struct model *m = model_of(vm);
  for (unsigned page = 0; page < small_page_count; page++) {
    if (vm_has_window(vm->guest, small_pages[page].va / SECTION_SIZE)) { /* a test may load the guest of VM0 */
      m->frames[page] = entries_of(vm, page).record & PAGE_MASK;
    }
  }
  m->memory_used = vm->memory_next;
}

/* One of the page's own frames, the right attributes, and armed unless it may be open. */
static void check_entry(const struct vm *vm, uint32_t entry, uint32_t base, uint32_t va, bool may_be_open) {
  uint32_t expected = PTE_GUEST | PTE_XN;
  CHECK((entry & ~(PAGE_MASK | PTE_AP_MASK)) == expected, "attributes of %08x: %08x", va, entry);
  CHECK(pte_frame(entry) - base <= (2u + vm->config->generations) * PAGE_SIZE, "%08x: frame %08x is not one of its own",
        va, pte_frame(entry));
  CHECK((entry & PTE_AP_MASK) == PTE_AP_ARMED || (may_be_open && pte_is_open(entry)), "%08x is not armed", va);
}

static void check_flags(const struct entries *e) {
  bool open = pte_is_open(e->active);
  CHECK(!open || pte_frame(e->active) != pte_frame(e->backup), "%08x: open without a pre-image", e->va);
  if (e->of_task) {
    CHECK(open || e->active == e->task_backup, "%08x: armed, but not as in the task's checkpoint", e->va);
    CHECK(!open || pte_frame(e->active) != pte_frame(e->task_backup), "%08x: open, task unprotected", e->va);
  }
}

static bool is_dirty(const struct entries *e) {
  return (e->record & PAGE_FULL) != 0 || pte_frame(e->active) != pte_frame(e->backup);
}

static bool is_task_dirty(const struct entries *e) {
  return (e->record & PAGE_FULL) != 0 || pte_frame(e->active) != pte_frame(e->task_backup);
}

static bool is_shared_open(const struct entries *e) {
  return e->va >= VMI_SHARED_BASE && !e->of_task && pte_is_open(e->active);
}

static bool is_listed(const struct page_list *list, uint32_t id) {
  unsigned times = 0;
  for (unsigned i = 0; i < list->count; i++) {
    times += list->pages[i] == id;
  }
  CHECK(times <= 1, "page %08x is listed twice", id);
  return times == 1;
}

/* The list has the pages that belong there, of all or of one task, and no other. */
static void check_list(const struct vm *vm, const struct page_list *list, bool (*belongs)(const struct entries *e),
                       bool may_be_more, int task, const char *what) {
  unsigned count = 0;
  for (unsigned page = 0; page < small_page_count; page++) {
    struct entries e = entries_of(vm, page);
    if (small_is_saved(page) && (task < 0 || small_task(e.va) == task)) {
      uint32_t id = e.va / SECTION_SIZE << 18 | e.va / PAGE_SIZE % L2_ENTRIES << 2;
      bool listed = is_listed(list, id);
      CHECK(listed == belongs(&e) || (listed && may_be_more), "%08x: %s list", e.va, what);
      count += listed;
    }
  }
  CHECK(count == list->count, "%s list: %u pages, %u belong there", what, list->count, count);
}

/* The next exception must not write into what a checkpoint holds, and no checkpoint may share an image by mistake. */
static void check_images(const struct vm *vm) {
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    const struct thread *thread = &vm->threads[t];
    image_t saved = thread->vm_saved != 0 ? thread->vm_saved : thread->task_saved;
    const image_t images[] = {thread->park, thread->frame, thread->task_saved, saved};
    for (unsigned i = 0; i < sizeof images / sizeof images[0]; i++) {
      uint32_t offset = images[i] - context_image(&thread->frames[0]);
      CHECK(offset % sizeof(struct context) == 0 && offset / sizeof(struct context) < 3u, "image %u of thread %u", i,
            t);
    }
    CHECK(thread->park != thread->task_saved && thread->park != saved, "thread %u is parked in a checkpoint", t);
    CHECK(thread->vm_saved != thread->task_saved, "thread %u: one image, two names", t);
    bool dirty = (vm->threads_dirty >> t & 1u) != 0 || thread == vm->owner || thread == vm->kernel;
    CHECK(dirty || (thread->frame == saved && thread->task_saved == saved), "thread %u differs, not dirty", t);
  }
}

static bool all_pages_saved(const struct vm *vm) {
  for (unsigned page = 0; page < small_page_count; page++) {
    struct entries e = entries_of(vm, page);
    if (small_is_saved(page) && (pte_is_open(e.active) || is_dirty(&e))) {
      return false;
    }
  }
  return true;
}

/* What the fast paths rely on (exceptions.inc). */
static void check_fast(const struct vm *vm) {
  const struct thread *owner = vm->owner;
  if (vm->unsaved == 0) {
    CHECK(vm->config->schedule.switches != 0, "VM %u: a fast switch would be a checkpoint that nobody asked for",
          vm->index);
    CHECK(vm->thread == owner && owner != vm->kernel && owner->vm_saved == 0 && owner->impure == 0,
          "VM %u: a fast switch would be wrong", vm->index);
    CHECK(all_pages_saved(vm) && vm->outside == 0 && memcmp(vm->vcpu, &vm->saved.vcpu, sizeof vm->saved.vcpu) == 0 &&
              memcmp(&vm->state, &vm->saved.state, sizeof vm->state) == 0 &&
              memcmp(&vm->tasks, &vm->saved.tasks, sizeof vm->tasks) == 0,
          "VM %u: a fast switch would not save all", vm->index);
    CHECK(vm != current_vm || !cpu.vfp_on, "VM %u: a fast switch would lose VFP registers", vm->index);
  }
  if (owner != vm->kernel && owner->unsaved == 0) {
    unsigned task = thread_number(vm, owner);
    CHECK(owner->vm_saved != 0 && (vm->threads_dirty >> task & 1u) != 0 && vm->task_dirty[task].count == 0 &&
              vm->shared_open.count == 0 && vm->tasks_written == 0 && (vm != current_vm || !cpu.vfp_on),
          "task %u: a fast switch would be wrong", task);
  }
}

static void check_saved(const struct vm *vm, image_t image, uint8_t vfp, const struct model_thread *expected,
                        unsigned t, const char *what) {
  CHECK(model_registers_equal(model_of(vm)->saved_owner, t, image_context(image), &expected->registers),
        "registers of thread %u in the checkpoint of the %s", t, what);
  CHECK(memcmp(vm->vfp[t][vfp].d, expected->vfp.d, sizeof expected->vfp.d) == 0 &&
            vm->vfp[t][vfp].fpscr == expected->vfp.fpscr,
        "VFP registers of thread %u in the checkpoint of the %s", t, what);
}

/* Invariant 3, D4: the registers in both checkpoints; D6: who may not be rolled back alone. */
static void check_checkpoints(const struct vm *vm) {
  const struct model *m = model_of(vm);
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    const struct thread *thread = &vm->threads[t];
    image_t saved = thread->vm_saved != 0 ? thread->vm_saved : thread->task_saved;
    check_saved(vm, saved, thread->vfp_vm_saved, &m->vm.thread[t], t, "VM");
    if (t < SMALL_TASKS) {
      check_saved(vm, thread->task_saved, thread->vfp_task_saved, &m->task.thread[t], t, "task");
      CHECK((thread->impure != 0) == ((m->changed >> t & 1u) != 0), "D6: impure calls of task %u: %u, expected %u", t,
            thread->impure != 0, m->changed >> t & 1u);
    }
  }
}

/*
 * The in page shows the peer's out page in every image of the VM: as it was at the peer's checkpoint, or as it is now if the
 * peer's output is not held (R4, D9). Without a peer it shows nothing of its memory.
 */
static void check_channel(const struct vm *vm) {
  uint32_t in = VMI_CHANNEL_BASE + PAGE_SIZE;
  const struct vm *peer = &vms[3u - vm->index];
  bool exists = peer->run_state != VMI_VM_EMPTY;
  uint32_t shown = pte_frame(*vm_entry(vm->active_pt, in));
  uint32_t out = pte_frame(*vm_entry(peer->active_pt, VMI_CHANNEL_BASE));
  CHECK((shown == out) == (exists && !outside_is_held(peer)), "in page of VM %u", vm->index);
  CHECK(pte_frame(*vm_entry(vm->backup_pt, in)) == shown, "in page of VM %u after a rollback", vm->index);
  if (exists && outside_is_held(peer)) {
    CHECK(memcmp((const uint8_t *)(uintptr_t)shown, model_of(peer)->seen, PAGE_SIZE) == 0,
          "D9: VM %u sees what is not committed", vm->index);
  }
}

/* D9: bells that wait for the checkpoint, and none that should have been heard. */
static void check_bells(const struct vm *vm) {
  const struct model *m = model_of(vm);
  CHECK((vm->outside & OUTSIDE_BELL(0)) == m->bell * OUTSIDE_BELL(0), "D9: bell of VM %u", vm->index);
  CHECK(m->ringing == 0, "D9: the bell of VM %u was lost at its checkpoint", vm->index);
}

void model_check_tables(struct vm *vm) {
  const struct model *m = model_of(vm);
  if (!vm->tracked) {
    return;
  }
  CHECK(vm->memory_next == m->memory_used, "memory allocated outside the loading of the image");
  for (unsigned page = 0; page < small_page_count; page++) {
    struct entries e = entries_of(vm, page);
    if (!small_is_saved(page)) {
      CHECK(e.record == 0 && pte_is_open(e.active) && e.active == e.backup && e.active == e.task_backup,
            "%08x is saved, or not always open", e.va);
      continue;
    }
    CHECK((e.record & PAGE_MASK) == m->frames[page], "frames of %08x moved", e.va);
    check_entry(vm, e.active, m->frames[page], e.va, true);
    check_entry(vm, e.backup, m->frames[page], e.va, false);
    check_entry(vm, e.task_backup, m->frames[page], e.va, false);
    check_flags(&e);
  }
  check_list(vm, &vm->dirty, is_dirty, true, -1, "dirty");
  check_list(vm, &vm->shared_open, is_shared_open, false, -1, "open");
  for (unsigned task = 0; task < SMALL_TASKS; task++) {
    check_list(vm, &vm->task_dirty[task], is_task_dirty, false, (int)task, "task's");
    bool listed = (vm->tasks_dirty >> task & 1u) != 0;
    CHECK(listed == (vm->task_dirty[task].count != 0), "task %u: list and mask disagree", task);
  }
  check_images(vm);
  check_fast(vm);
  check_checkpoints(vm);
  check_channel(vm);
  check_bells(vm);
  model_check_generations(vm);
}
