/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums of backups (D7): right for each frame that a checkpoint keeps besides the active one, and wrong after any flip. */
#include "arch/armv7/mmu.h"
#include "core/vm_memory.h"
#include "machine.h"
#include "model_restore.h"
#include "recovery/generations.h"
#include "recovery/sums.h"

/* A bit from `live` on flips, a different one each time, and flips back. */
static void check_backup(const struct vm *vm, uint32_t frame, uint32_t live, uint32_t va, const char *whose) {
  static uint32_t next;
  CHECK(sum_holds(vm, frame), "%08x: checksum of the backup of the %s", va, whose);
  live &= ~31u; /* copied in units of 32 bytes */
  if (live < PAGE_SIZE) {
    next = next * 1664525u + 1013904223u;
    uint8_t *byte = (uint8_t *)(uintptr_t)(frame + live + (next >> 8) % (PAGE_SIZE - live));
    uint8_t bit = (uint8_t)(1u << (next >> 29));
    *byte ^= bit;
    CHECK(!sum_holds(vm, frame), "%08x: a flip in the backup of the %s is not found", va, whose);
    *byte ^= bit;
    model_totals.flips++;
  }
}

static uint32_t image_sp(const struct model_image *image, int task) {
  return task >= 0 ? image->thread[task].registers.r[13] : image->kernel_sp;
}

static void check_generations(const struct vm *vm, unsigned page, uint32_t id, int task) {
  const struct model *m = model_of(vm);
  for (unsigned n = 0; n < m->older_count; n++) {
    const struct page_list *kept = &generation_at(vm, n)->pages;
    for (unsigned i = 0; i < kept->count; i++) {
      if ((kept->pages[i] & ~0x1c00u) == id) {
        check_backup(vm, m->frames[page] + (kept->pages[i] >> 10 & 7u) * PAGE_SIZE,
                     model_first_live(page, image_sp(&m->older[n].vm, task)), small_pages[page].va, "older generation");
      }
    }
  }
}

void model_check_sums(const struct vm *vm, unsigned page) {
  const struct model *m = model_of(vm);
  uint32_t va = small_pages[page].va;
  int task = small_task(va);
  if (!vm->tracked || vm->sums == NULL || !small_is_saved(page)) {
    return;
  }
  uint32_t n = va / PAGE_SIZE % L2_ENTRIES;
  uint32_t active = pte_frame(*vm_entry(vm->active_pt, va));
  uint32_t backup = pte_frame(*vm_entry(vm->backup_pt, va));
  if (backup != active) {
    check_backup(vm, backup, model_first_live(page, image_sp(&m->vm, task)), va, "VM");
  }
  if (task >= 0 && pte_frame(l2_table(vm->task_backup_pt[task])[n]) != active) {
    check_backup(vm, pte_frame(l2_table(vm->task_backup_pt[task])[n]), model_first_live(page, image_sp(&m->task, task)),
                 va, "task");
  }
  check_generations(vm, page, va / SECTION_SIZE << 18 | n << 2, task);
}
