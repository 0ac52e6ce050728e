/* SPDX-License-Identifier: Apache-2.0 */
#include "model.h"

#include <string.h>

#include "arch/armv7/mmu.h"
#include "core/vm_memory.h"
#include "machine.h"
#include "model_restore.h"
#include "recovery/generations.h"

struct model models[SMALL_VMS];
struct model_totals model_totals;

void model_write(const struct vm *vm, uint32_t va, const void *from, uint32_t n) {
  struct model *m = model_of(vm);
  const uint8_t *bytes = from;
  for (uint32_t i = 0; i < n; i++) {
    int page = small_page(va + i);
    if (page < 0) {
      continue; /* the vCPU page is compared as a structure */
    }
    m->now.page[page][(va + i) % PAGE_SIZE] = bytes[i];
    if (va >= VMI_SHARED_BASE && small_task(va + i) < 0 && small_is_saved((unsigned)page)) {
      m->changed |= 1u << m->owner; /* D6 */
    }
  }
}

/* r0 and r1 are results of calls; everything else of a thread is its own. */
static void sync_results(struct model_thread *to, const struct context *from) {
  to->registers.r[0] = from->r[0];
  to->registers.r[1] = from->r[1];
}

void model_sync(struct vm *vm) {
  struct model *m = model_of(vm);
  for (unsigned t = 0; t < SMALL_TASKS; t++) {
    struct context *frame = thread_frame(&vm->threads[t]);
    if ((m->edited >> t & 1u) == 0) {
      continue;
    }
    sync_results(&m->now.thread[t], frame);
    if ((m->committed >> t & 1u) != 0) {
      sync_results(&m->task.thread[t], frame);
    }
  }
  m->edited = 0;
}

static uint8_t *content(const uint32_t *entry) {
  return (uint8_t *)(uintptr_t)pte_frame(*entry);
}

uint32_t model_first_live(unsigned page, uint32_t sp) {
  const struct small_page *p = &small_pages[page];
  if (p->stack_base == 0 || p->policy != SAVE_EAGER || sp / SECTION_SIZE != p->va / SECTION_SIZE || sp <= p->va) {
    return 0;
  }
  return sp - p->va < PAGE_SIZE ? sp - p->va : PAGE_SIZE;
}

static uint32_t image_sp(const struct model_image *image, unsigned page) {
  int task = small_task(small_pages[page].va);
  return task >= 0 ? image->thread[task].registers.r[13] : image->kernel_sp;
}

static void compare(const uint8_t *real, const uint8_t *expected, uint32_t from, uint32_t va, const char *what) {
  if (memcmp(real + from, expected + from, PAGE_SIZE - from) == 0) {
    return;
  }
  while (real[from] == expected[from]) {
    from++;
  }
  test_failed("%s: byte %08x is %02x, expected %02x", what, va + from, real[from], expected[from]);
}

static uint32_t *active_entry(const struct vm *vm, unsigned page) {
  return vm_entry(vm->active_pt, small_pages[page].va);
}

void model_compare_page(const struct vm *vm, unsigned page) {
  uint32_t *entry = active_entry(vm, page);
  if (entry != NULL && *entry != 0) {
    compare(content(entry), model_of(vm)->now.page[page], 0, small_pages[page].va, "memory of the guest");
  }
}

void model_compare_memory(const struct vm *vm) {
  for (unsigned page = 0; page < small_page_count; page++) {
    model_compare_page(vm, page);
  }
}

void model_compare_checkpoint(struct vm *vm, unsigned page) {
  const struct model *m = model_of(vm);
  uint32_t va = small_pages[page].va;
  int task = small_task(va);
  if (!vm->tracked || !small_is_saved(page)) {
    return;
  }
  compare(content(vm_entry(vm->backup_pt, va)), m->vm.page[page], model_first_live(page, image_sp(&m->vm, page)), va,
          "checkpoint of the VM");
  if (task >= 0) {
    uint32_t *entry = l2_table(vm->task_backup_pt[task]) + va / PAGE_SIZE % L2_ENTRIES;
    compare(content(entry), m->task.page[page], model_first_live(page, image_sp(&m->task, page)), va,
            "checkpoint of the task");
  }
  model_compare_generations(vm, page);
}

/* Of each page the frame of its own, or what the next younger one has. */
void model_compare_generations(const struct vm *vm, unsigned page) {
  const struct model *m = model_of(vm);
  uint32_t va = small_pages[page].va;
  uint32_t id = va / SECTION_SIZE << 18 | va / PAGE_SIZE % L2_ENTRIES << 2;
  const uint8_t *real = content(vm_entry(vm->backup_pt, va));
  for (unsigned n = 0; n < m->older_count; n++) {
    const struct page_list *kept = &generation_at(vm, n)->pages;
    for (unsigned i = 0; i < kept->count; i++) {
      if ((kept->pages[i] & ~0x1c00u) == id) {
        real = (const uint8_t *)(uintptr_t)(m->frames[page] + (kept->pages[i] >> 10 & 7u) * PAGE_SIZE);
      }
    }
    const struct model_image *image = &m->older[n].vm;
    compare(real, image->page[page], model_first_live(page, image_sp(image, page)), va, "older generation");
  }
}
