/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One tracked page and the entries that map it. Each has three frames; the entries say which one is
 *   active       what the guest uses
 *   task_backup  its content at the checkpoint of the task (task windows only)
 *   backup       its content at the checkpoint of the VM
 * Equal frames mean equal content. An entry of a backup table is always armed.
 */
#ifndef RECOVERY_PAGES_H
#define RECOVERY_PAGES_H

#include "arch/armv7/mmu.h"
#include "core/vm.h"
#include "core/vm_memory.h"

struct page_ref {
  page_t *record;
  uint32_t *active;
  uint32_t *backup;
  uint32_t *task_backup; /* NULL outside task windows */
  uint32_t va;
  uint16_t id; /* as kept in a page_list */
};

static inline bool is_task_window(uint32_t window) {
  return window >= WINDOW_TASK && window < WINDOW_VMM;
}

static inline struct page_ref page_ref(struct vm *vm, uint32_t window, uint32_t page) {
  return (struct page_ref){
      .record = &vm->pages[window][page],
      .active = l2_table(vm->active_pt[window]) + page,
      .backup = l2_table(vm->backup_pt[window]) + page,
      .task_backup = is_task_window(window) ? l2_table(vm->task_backup_pt[window - WINDOW_TASK]) + page : NULL,
      .va = window * SECTION_SIZE + page * PAGE_SIZE,
      .id = (uint16_t)(window << 8 | page),
  };
}

static inline struct page_ref page_of(struct vm *vm, uint16_t id) {
  return page_ref(vm, id >> 8, id & 0xffu);
}

static inline void list_add(struct page_list *list, uint16_t id) {
  list->pages[list->count++] = id;
}

/* Of three images, one that is neither a nor b. */
static inline uint8_t spare_image(uint32_t a, uint32_t b) {
  static const uint8_t spare[3][3] = {{1, 2, 1}, {2, 0, 0}, {1, 0, 0}};
  return spare[a][b];
}

/* A frame of the page that is neither a nor b. */
static inline uint32_t spare_frame(page_t record, uint32_t a, uint32_t b) {
  uint32_t base = record & PAGE_MASK;
  return base + spare_image((a - base) / PAGE_SIZE, (b - base) / PAGE_SIZE) * PAGE_SIZE;
}

#endif
