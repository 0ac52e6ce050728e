/* SPDX-License-Identifier: Apache-2.0 */
#include "recovery/generations.h"

#include "core/outside.h"
#include "core/recovery.h"
#include "core/standby.h"
#include "lib/string.h"
#include "recovery/pages.h"
#include "recovery/sums.h"
#include "recovery/threads.h"

/* In the list of a generation each page stands with the number of its frame. */
#define KEPT_FRAME_SHIFT 10u
#define KEPT_FRAME_MASK 0x7u

#define ALL_THREADS ((1u << THREAD_COUNT) - 1u)

static page_t *record_of(struct vm *vm, uint32_t id) {
  return &vm->pages[page_window(id)][(id & 0x3ffu) >> 2];
}

static uint32_t kept_frame(uint32_t kept) {
  return kept >> KEPT_FRAME_SHIFT & KEPT_FRAME_MASK;
}

static uint32_t kept_id(uint32_t kept) {
  return kept & ~(KEPT_FRAME_MASK << KEPT_FRAME_SHIFT);
}

struct generation *generation_at(const struct vm *vm, uint32_t n) {
  uint32_t slot = vm->generations.first + n;
  uint32_t slots = vm->config->generations;
  return vm->generations.slot[slot < slots ? slot : slot - slots];
}

void generation_keep(struct vm *vm, uint32_t id, uint32_t frame) {
  page_t *record = record_of(vm, id);
  uint32_t number = frame_number(*record, frame);
  *record |= PAGE_KEPT | PAGE_HELD(number);
  list_add(&generation_at(vm, 0)->pages, id | number << KEPT_FRAME_SHIFT);
}

/* The pages that a generation has kept are, or are no longer, those that the youngest one has kept. */
static void mark_kept(struct vm *vm, const struct generation *generation, page_t kept) {
  for (uint32_t i = 0; i < generation->pages.count; i++) {
    page_t *record = record_of(vm, kept_id(generation->pages.pages[i]));
    *record = (*record & ~PAGE_KEPT) | kept;
  }
}

static void release(struct vm *vm, struct generation *generation) {
  for (uint32_t i = 0; i < generation->pages.count; i++) {
    uint32_t kept = generation->pages.pages[i];
    *record_of(vm, kept_id(kept)) &= ~PAGE_HELD(kept_frame(kept));
  }
  generation->pages.count = 0;
}

/* The copies in all generations but `of` fall behind by these threads. */
static void others_stale(struct vm *vm, struct generation *of, uint32_t threads) {
  for (uint32_t n = 0; n < vm->config->generations; n++) {
    vm->generations.slot[n]->threads_stale |= threads;
  }
  of->threads_stale = 0;
}

static uint32_t threads_differ(const struct vm *vm, const struct generation *from) {
  return from->threads_stale | vm->generations.threads_changed | changed_threads(vm);
}

static void capture(struct vm *vm, struct generation *to) {
  for (uint32_t mask = threads_differ(vm, to) & ALL_THREADS; mask != 0;) {
    unsigned t = take_bit(&mask);
    const struct thread *thread = &vm->threads[t];
    context_copy(&to->registers[t], image_context(vm_image(thread)));
    to->vfp[t] = vm->vfp[t][thread->vfp_vm_saved];
  }
  to->saved = vm->saved;
  others_stale(vm, to, vm->generations.threads_changed | changed_threads(vm));
  vm->generations.threads_changed = 0;
}

void generation_promote(struct vm *vm) {
  struct generations *g = &vm->generations;
  uint32_t slots = vm->config->generations;
  struct generation *next = generation_at(vm, slots - 1u); /* the oldest, or one that is not in use */
  mark_kept(vm, generation_at(vm, 0), 0);
  release(vm, next);
  capture(vm, next);
  g->first = (g->first != 0 ? g->first : slots) - 1u;
  g->count += g->count < slots;
}

/* The frames that it has of its own are those of the VM's checkpoint now. */
static void take_pages(struct vm *vm, const struct generation *from) {
  for (uint32_t i = 0; i < from->pages.count; i++) {
    uint32_t id = kept_id(from->pages.pages[i]);
    uint32_t frame = frame_address(*record_of(vm, id), kept_frame(from->pages.pages[i]));
    uint32_t *backup = entry_in(vm->backup_pt, id);
    *backup = pte_with_frame(*backup, frame);
    dirty_add(vm, id);
  }
}

/* Into the images of the VM's checkpoint; the rollback that follows lets every thread go on from there. */
static void take_threads(struct vm *vm, const struct generation *from) {
  uint32_t differ = threads_differ(vm, from) & ALL_THREADS;
  vm->threads_dirty |= differ;
  for (uint32_t mask = differ; mask != 0;) {
    unsigned t = take_bit(&mask);
    struct thread *thread = &vm->threads[t];
    context_copy(image_context(vm_image(thread)), &from->registers[t]);
    vm->vfp[t][thread->vfp_vm_saved] = from->vfp[t];
  }
}

void generation_take(struct vm *vm) {
  const struct generation *from = generation_at(vm, 0);
  take_pages(vm, from);
  take_threads(vm, from);
  vm->saved = from->saved;
  outside_note(vm, OUTSIDE_INPUT | OUTSIDE_PAGES); /* input that it had not read; peers saw younger pages */
  vm->tasks_changed = ~0u; /* nor is it known which tasks have been created since */
}

/* The youngest one is the VM's checkpoint now; the next one is the youngest again, with what it has kept already. */
static void drop_youngest(struct vm *vm) {
  struct generations *g = &vm->generations;
  struct generation *youngest = generation_at(vm, 0);
  others_stale(vm, youngest, threads_differ(vm, youngest));
  mark_kept(vm, youngest, 0);
  release(vm, youngest);
  g->count--;
  g->first = g->first + 1u < vm->config->generations ? g->first + 1u : 0;
  mark_kept(vm, generation_at(vm, 0), g->count != 0 ? PAGE_KEPT : 0);
}

void generation_go_back(struct vm *vm) {
  vm->going_back = true;
  stores_in_order();
  generation_take(vm);
  stores_in_order();
  vm->going_back = false;
  drop_youngest(vm);
}

/* Its own frames, and of the pages that it has none of, those of the VM's checkpoint. */
__attribute__((cold)) static bool youngest_holds(struct vm *vm) {
  struct vmi_fault what;
  const struct page_list *pages = &generation_at(vm, 0)->pages;
  for (uint32_t i = 0; i < pages->count; i++) {
    uint32_t kept = pages->pages[i];
    if (!sum_holds(vm, frame_address(*record_of(vm, kept_id(kept)), kept_frame(kept)))) {
      return false;
    }
  }
  return recovery_backup_is_sound(vm, KERNEL_THREAD, VMI_ACTION_OLDER_GENERATION, &what);
}

bool recovery_older_generation(struct vm *vm, struct vmi_fault *record) {
  if (!vm->tracked || vm->generations.count == 0 || (vm->sums != NULL && !youngest_holds(vm))) {
    return false;
  }
  generation_go_back(vm);
  if (vm->config->standby != NULL) {
    standby_note(vm);
  }
  recovery_rollback_vm(vm, record);
  return true;
}

static void forget_page(struct vm *vm, uint32_t id) {
  *record_of(vm, id) &= ~(PAGE_KEPT | (PAGE_KEPT - PAGE_HELD(0)));
}

void generations_forget(struct vm *vm) {
  vm->generations.count = 0;
  for_each_page(vm, ~0u, forget_page);
  for (uint32_t n = 0; n < vm->config->generations; n++) {
    vm->generations.slot[n]->pages.count = 0;
    vm->generations.slot[n]->threads_stale = ALL_THREADS;
  }
}
