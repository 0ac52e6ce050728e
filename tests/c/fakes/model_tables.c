/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants of entries, page records, lists and register images (vmm-c/recovery/pages.h, core/vm.h). */
#include <string.h>

#include "arch/armv7/mmu.h"
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
    m->frames[page] = entries_of(vm, page).record & PAGE_MASK;
  }
  m->memory_used = vm->memory_next;
}

/* One of the page's own three frames, the right attributes, and armed unless it may be open. */
static void check_entry(uint32_t entry, uint32_t base, uint32_t va, bool may_be_open) {
  uint32_t expected = PTE_GUEST | PTE_XN;
  CHECK((entry & ~(PAGE_MASK | PTE_AP_MASK)) == expected, "attributes of %08x: %08x", va, entry);
  CHECK(pte_frame(entry) - base <= 2u * PAGE_SIZE, "%08x: frame %08x is not one of its own", va, pte_frame(entry));
  CHECK((entry & PTE_AP_MASK) == PTE_AP_ARMED || (may_be_open && pte_is_open(entry)), "%08x is not armed", va);
}

static void check_flags(const struct entries *e) {
  bool open = pte_is_open(e->active);
  bool dirty = (e->record & PAGE_DIRTY) != 0;
  bool task_dirty = (e->record & PAGE_TASK_DIRTY) != 0;
  CHECK(dirty || pte_frame(e->active) == pte_frame(e->backup), "%08x: differs from the VM's checkpoint, not dirty",
        e->va);
  CHECK(!open || pte_frame(e->active) != pte_frame(e->backup), "%08x: open without a pre-image", e->va);
  CHECK(!open || dirty, "%08x: open, but not in the list", e->va);
  if (e->of_task) {
    CHECK(task_dirty || e->active == e->task_backup, "%08x: differs from the task's checkpoint, not dirty", e->va);
    CHECK(!open || (task_dirty && pte_frame(e->active) != pte_frame(e->task_backup)), "%08x: open, task unprotected",
          e->va);
  }
  if (e->va >= VMI_SHARED_BASE && !e->of_task) {
    CHECK(!open || (e->record & PAGE_OPEN) != 0, "D6: shared page %08x is open unnoticed", e->va);
  }
}

/* Every page of the list has the flag; with equal numbers, the list is complete and has nothing twice. */
static void check_list(const struct vm *vm, const struct page_list *list, uint32_t flag, int task) {
  unsigned flagged = 0;
  for (unsigned page = 0; page < small_page_count; page++) {
    if (task < 0 || small_task(small_pages[page].va) == task) {
      flagged += (entries_of(vm, page).record & flag) != 0;
    }
  }
  CHECK(flagged == list->count, "list with flag %03x: %u pages, %u have the flag", flag, list->count, flagged);
  for (unsigned i = 0; i < list->count; i++) {
    CHECK((vm->pages[list->pages[i] >> 8][list->pages[i] & 0xffu] & flag) != 0, "page %04x is listed without flag %03x",
          list->pages[i], flag);
    for (unsigned j = 0; j < i; j++) {
      CHECK(list->pages[i] != list->pages[j], "page %04x is listed twice", list->pages[i]);
    }
  }
}

static void check_images(const struct vm *vm) {
  const uint8_t running[] = {vm->state.owner, KERNEL_THREAD};
  for (unsigned i = 0; i < sizeof running; i++) {
    const struct thread *thread = &vm->threads[running[i]];
    CHECK(thread->active != thread->task_saved && thread->active != thread->vm_saved,
          "thread %u runs in an image that a checkpoint holds", running[i]);
  }
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    const struct thread *thread = &vm->threads[t];
    bool dirty = (vm->threads_dirty >> t & 1u) != 0;
    CHECK(thread->active < 3u && thread->task_saved < 3u && thread->vm_saved < 3u, "image of thread %u", t);
    CHECK(dirty || (thread->active == thread->vm_saved && thread->task_saved == thread->vm_saved),
          "thread %u differs from the VM's checkpoint, not dirty", t);
  }
}

static void check_saved(const struct thread *thread, uint8_t frame, uint8_t vfp, const struct model_thread *expected,
                        unsigned t, const char *what) {
  CHECK(memcmp(&thread->frame[frame], &expected->registers, sizeof expected->registers) == 0,
        "registers of thread %u in the checkpoint of the %s", t, what);
  CHECK(memcmp(thread->vfp[vfp].d, expected->vfp.d, sizeof expected->vfp.d) == 0 &&
            thread->vfp[vfp].fpscr == expected->vfp.fpscr,
        "VFP registers of thread %u in the checkpoint of the %s", t, what);
}

/* Invariant 3, D4: the registers in both checkpoints; D6: who may not be rolled back alone. */
static void check_checkpoints(const struct vm *vm) {
  const struct model *m = model_of(vm);
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    const struct thread *thread = &vm->threads[t];
    check_saved(thread, thread->vm_saved, thread->vfp_vm_saved, &m->vm.thread[t], t, "VM");
    if (t < SMALL_TASKS) {
      check_saved(thread, thread->task_saved, thread->vfp_task_saved, &m->task.thread[t], t, "task");
      CHECK((vm->kernel_changed >> t & 1u) == (m->changed >> t & 1u), "D6: kernel_changed of task %u", t);
    }
  }
}

/* The in page shows the peer's out page of now, in every image of the VM; without a peer, nothing of its memory (R4). */
static void check_channel(const struct vm *vm) {
  uint32_t in = VMI_CHANNEL_BASE + PAGE_SIZE;
  const struct vm *peer = &vms[3u - vm->index];
  uint32_t shown = pte_frame(*vm_entry(vm->active_pt, in));
  uint32_t out = pte_frame(*vm_entry(peer->active_pt, VMI_CHANNEL_BASE));
  CHECK((shown == out) == (peer->run_state != VMI_VM_EMPTY), "in page of VM %u", vm->index);
  CHECK(pte_frame(*vm_entry(vm->backup_pt, in)) == shown, "in page of VM %u after a rollback", vm->index);
}

void model_check_tables(struct vm *vm) {
  const struct model *m = model_of(vm);
  if (!vm->tracked) {
    return;
  }
  CHECK(vm->memory_next == m->memory_used, "memory allocated outside the loading of the image");
  for (unsigned page = 0; page < small_page_count; page++) {
    struct entries e = entries_of(vm, page);
    CHECK((e.record & PAGE_MASK) == m->frames[page], "frames of %08x moved", e.va);
    check_entry(e.active, m->frames[page], e.va, true);
    check_entry(e.backup, m->frames[page], e.va, false);
    check_entry(e.task_backup, m->frames[page], e.va, false);
    check_flags(&e);
  }
  check_list(vm, &vm->dirty, PAGE_DIRTY, -1);
  check_list(vm, &vm->shared_open, PAGE_OPEN, -1);
  for (unsigned task = 0; task < SMALL_TASKS; task++) {
    check_list(vm, &vm->task_dirty[task], PAGE_TASK_DIRTY, (int)task);
    bool listed = (vm->tasks_dirty >> task & 1u) != 0;
    CHECK(listed == (vm->task_dirty[task].count != 0), "task %u: list and mask disagree", task);
  }
  check_images(vm);
  check_checkpoints(vm);
  check_channel(vm);
}
