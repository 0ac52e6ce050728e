/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tracked page and the entries that map it. Each has three frames, and one more for each older generation; the entries
 * say which one is
 *   active       what the guest uses
 *   task_backup  its content at the checkpoint of the task (task windows only)
 *   backup       its content at the checkpoint of the VM
 * and the record which ones older generations hold. Equal frames mean equal content. An entry of a backup table is always
 * armed. A page whose active frame is not that of a backup is in the list of dirty pages of that checkpoint; a shared page is
 * in shared_open as long as it is open.
 */
#ifndef RECOVERY_PAGES_H
#define RECOVERY_PAGES_H

#include <stdatomic.h>

#include "arch/armv7/mmu.h"
#include "core/vm.h"
#include "core/vm_memory.h"

struct page_ref {
  uint32_t record;
  uint32_t *active;
  uint32_t *backup;
  uint32_t *task_backup; /* NULL outside task windows */
  uint32_t id;           /* as kept in a page_list */
};

/*
 * What stands before it in the program is in memory before what stands behind it, for whoever looks after a fault of the VMM
 * in between (recovery_complete). The CPU is the same, so only the compiler has to be held back: no instruction.
 */
static inline void stores_in_order(void) {
  atomic_signal_fence(memory_order_seq_cst);
}

static inline bool is_task_window(uint32_t window) {
  return window >= WINDOW_TASK && window < WINDOW_VMM;
}

static inline uint32_t page_id(uint32_t window, uint32_t page) {
  return window << 18 | page << 2;
}

static inline uint32_t page_window(uint32_t id) {
  return id >> 18;
}

static inline uint32_t page_va(uint32_t id) {
  return page_window(id) * SECTION_SIZE + (id & 0x3fcu) * (PAGE_SIZE / 4u);
}

/* The page's entry in the second-level table of a first-level descriptor: the offset replaces the domain and the type. */
static inline uint32_t *entry_of(uint32_t descriptor, uint32_t id) {
  return (uint32_t *)(uintptr_t)low10_insert(descriptor, id);
}

static inline uint32_t *entry_in(const uint32_t *l1, uint32_t id) {
  const uint8_t *descriptor = (const uint8_t *)l1 + (id >> 16);
  return entry_of(*(const uint32_t *)(const void *)descriptor, id);
}

static inline struct page_ref page_of(const struct vm *vm, uint32_t id) {
  uint32_t window = page_window(id);
  return (struct page_ref){
      .record = vm->pages[window][(id & 0x3ffu) >> 2],
      .active = entry_in(vm->active_pt, id),
      .backup = entry_in(vm->backup_pt, id),
      .task_backup = is_task_window(window) ? entry_of(vm->task_backup_pt[window - WINDOW_TASK], id) : NULL,
      .id = id,
  };
}

static inline void list_add(struct page_list *list, uint32_t id) {
  list->pages[list->count++] = id;
}

/*
 * Into vm->dirty, if it is not there. The list is a sparse set: a position is valid if the list has the page there, so
 * nothing needs to be cleared when the list is emptied.
 */
static inline void dirty_add(struct vm *vm, uint32_t id) {
  uint16_t *position = &vm->positions[page_window(id)][(id & 0x3ffu) >> 2];
  if (*position >= vm->dirty.count || vm->dirty.pages[*position] != id) {
    *position = (uint16_t)vm->dirty.count;
    list_add(&vm->dirty, id);
  }
}

/* Calls visit for each page whose record has one of the flags; all bits: for each page that is tracked. */
void for_each_page(struct vm *vm, uint32_t flags, void (*visit)(struct vm *vm, uint32_t id));

/* All tables of its window get the page's entry in the space l1, armed. */
static inline void settle_page(uint32_t *l1, uint32_t id) {
  uint32_t *entry = entry_in(l1, id);
  uint32_t settled = pte_arm(*entry);
  uint32_t *tables = (uint32_t *)((uintptr_t)entry & ~(uintptr_t)WINDOW_TABLES_MASK);
  for (unsigned table = 0; table < 3; table++) {
    tables[table * L2_ENTRIES] = settled;
  }
}

/* After a rollback of the VM: no page differs from its task's checkpoint. Those listed are in vm->dirty as well. */
void drop_task_lists(struct vm *vm);

static inline uint32_t frame_number(uint32_t record, uint32_t frame) {
  return (frame - (record & PAGE_MASK)) / PAGE_SIZE;
}

static inline uint32_t frame_address(uint32_t record, uint32_t number) {
  return (record & PAGE_MASK) + number * PAGE_SIZE;
}

/* The first that is not in a mask of images or frames. */
static inline uint32_t first_free(uint32_t used) {
  return 31u - count_leading_zeros(~used & (used + 1u));
}

/* A frame of the page that is neither a nor b, nor held by an older generation. */
static inline uint32_t spare_frame(uint32_t record, uint32_t a, uint32_t b) {
  uint32_t used = record >> PAGE_HELD_SHIFT | 1u << frame_number(record, a) | 1u << frame_number(record, b);
  return frame_address(record, first_free(used));
}

/* Disabled or not, the VFP registers stay as they are: the guest's, or nobody's (core/fault.c). */
static inline void page_copy(uint32_t to, uint32_t from) {
  bool enabled = vfp_enabled();
  vfp_set_enabled(true);
  vfp_page_copy((void *)(uintptr_t)to, (const void *)(uintptr_t)from);
  vfp_set_enabled(enabled);
}

#endif
