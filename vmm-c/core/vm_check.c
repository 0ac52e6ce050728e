// SPDX-License-Identifier: Apache-2.0
#include "core/vm_check.h"

#include "arch/armv7/mmu.h"
#include "core/channel.h"
#include "core/outside.h"
#include "core/vm_memory.h"

/* Goes through a partition in the order of vm_memory_build. */
struct cursor {
  const struct vm *vm;
  uint32_t next;   /* first address that is not taken yet */
  uint32_t mapped; /* pages so far */
  uint32_t tracked;
};

static uint32_t take(struct cursor *at, uint32_t bytes, uint32_t align) {
  uint32_t address = (at->next + align - 1u) & ~(align - 1u);
  at->next = address + bytes;
  return address;
}

static bool is_task(uint32_t window) {
  return window >= WINDOW_TASK && window < WINDOW_VMM;
}

static uint32_t window_domain(uint32_t window) {
  return window == WINDOW_VMM ? DOMAIN_SHARED : window;
}

/* A first-level entry names one of the three tables of its window. */
static bool descriptor_sound(uint32_t descriptor, uint32_t tables, uint32_t window) {
  return (descriptor & ~WINDOW_TABLES_MASK) ==
             l1_descriptor((const uint32_t *)(uintptr_t)tables, window_domain(window)) &&
         (descriptor & WINDOW_TABLES_MASK) != WINDOW_TABLES_MASK;
}

static bool window_sound(struct cursor *at, uint32_t window) {
  const uint32_t *first = vm_first_space(at->vm);
  const uint32_t *second = first + L1_ENTRIES;
  if (!vm_has_window(at->vm->guest, window)) {
    return first[window] == 0 && second[window] == 0 && at->vm->pages[window] == NULL;
  }
  uint32_t tables = take(at, WINDOW_TABLES_SIZE, WINDOW_TABLES_SIZE);
  return descriptor_sound(first[window], tables, window) && descriptor_sound(second[window], tables, window) &&
         (!is_task(window) || descriptor_sound(at->vm->task_backup_pt[window - WINDOW_TASK], tables, window)) &&
         (uint32_t)(uintptr_t)at->vm->pages[window] == tables + 3u * L2_BYTES;
}

static bool space_sound(const struct vm *vm, const uint32_t *space) {
  return space == vm_first_space(vm) || space == vm_first_space(vm) + L1_ENTRIES;
}

static bool spaces_sound(struct cursor *at) {
  take(at, 2u * L1_BYTES, L1_BYTES);
  if (!space_sound(at->vm, at->vm->active_pt) || !space_sound(at->vm, at->vm->backup_pt)) {
    return false;
  }
  for (uint32_t window = 0; window < WINDOW_COUNT; window++) {
    if (!window_sound(at, window)) {
      return false;
    }
  }
  for (uint32_t entry = WINDOW_COUNT; entry < L1_ENTRIES; entry++) {
    if (vm_first_space(at->vm)[entry] != 0 || vm_first_space(at->vm)[L1_ENTRIES + entry] != 0) {
      return false;
    }
  }
  return true;
}

static uint32_t *window_tables(const struct vm *vm, uint32_t window) {
  return (uint32_t *)((uintptr_t)vm->pages[window] & ~(uintptr_t)(WINDOW_TABLES_SIZE - 1u));
}

/* Every table that maps the page says something of it that is legal. The third one is a task's, or not in use. */
static bool entries_sound(struct cursor *at, uint32_t va, bool (*legal)(uint32_t entry, uint32_t right),
                          uint32_t right) {
  const uint32_t *tables = window_tables(at->vm, va / VMI_WINDOW_SIZE) + va / PAGE_SIZE % L2_ENTRIES;
  at->mapped++;
  return legal(tables[0], right) && legal(tables[L2_ENTRIES], right) &&
         (!is_task(va / VMI_WINDOW_SIZE) || legal(tables[2u * L2_ENTRIES], right));
}

static bool equal(uint32_t entry, uint32_t right) {
  return entry == right;
}

/* Of the page's frames, from the first one on, open or armed: `right` is the first and, in the low bits, their number. */
static bool one_of_frames(uint32_t entry, uint32_t right) {
  uint32_t frame = pte_frame(entry) - pte_frame(right);
  uint32_t flags = entry & ~PAGE_MASK;
  return frame / PAGE_SIZE < (right & ~PAGE_MASK) &&
         (flags == pte_open(PTE_GUEST | PTE_XN) || flags == pte_arm(PTE_GUEST | PTE_XN));
}

/* What older generations hold is given up by recovery_complete. */
static bool record_sound(uint32_t record, uint32_t right) {
  return (record & ~(PAGE_KEPT | (PAGE_KEPT - PAGE_HELD(0)))) == right;
}

static bool tracked_page_sound(struct cursor *at, uint32_t va, uint32_t flags) {
  uint32_t size = vm_frames_size(at->vm);
  uint32_t frame = take(at, size, PAGE_SIZE);
  at->tracked++;
  return record_sound(at->vm->pages[va / VMI_WINDOW_SIZE][va / PAGE_SIZE % L2_ENTRIES],
                      frame | flags | vm_common_flags(at->vm)) &&
         entries_sound(at, va, one_of_frames, frame | size / PAGE_SIZE);
}

static bool writable_page_sound(struct cursor *at, uint32_t va, const struct segment_config *segment) {
  if (segment->policy == SAVE_NONE) {
    return entries_sound(at, va, equal, pte_open(take(at, PAGE_SIZE, PAGE_SIZE) | PTE_GUEST | PTE_XN));
  }
  return tracked_page_sound(at, va, vm_page_flags(segment));
}

static bool segment_sound(struct cursor *at, const struct segment_config *segment) {
  uint32_t flags = PTE_GUEST | PTE_AP_USER_RO | (segment->executable ? 0u : PTE_XN);
  for (uint32_t offset = 0; offset < segment->mem_size; offset += PAGE_SIZE) {
    uint32_t va = segment->va + offset;
    bool sound = segment->writable ? writable_page_sound(at, va, segment)
                                   : entries_sound(at, va, equal, take(at, PAGE_SIZE, PAGE_SIZE) | flags);
    if (!sound) {
      return false;
    }
  }
  return true;
}

static bool vmm_pages_sound(struct cursor *at) {
  uint32_t vcpu = take(at, PAGE_SIZE, PAGE_SIZE);
  uint32_t info = take(at, PAGE_SIZE, PAGE_SIZE);
  if ((uint32_t)(uintptr_t)at->vm->vcpu != vcpu || (uint32_t)(uintptr_t)at->vm->info != info ||
      !entries_sound(at, VMI_VCPU_PAGE, equal, pte_open(vcpu | PTE_GUEST | PTE_XN)) ||
      !entries_sound(at, VMI_INFO_PAGE, equal, info | PTE_GUEST | PTE_AP_USER_RO | PTE_XN)) {
    return false;
  }
  for (uint32_t c = 0; c < channel_count(at->vm->index); c++) {
    if (!tracked_page_sound(at, VMI_CHANNEL_BASE + c * VMI_CHANNEL_STRIDE, 0) ||
        at->vm->channel_seen[c] != (outside_is_held(at->vm) ? take(at, PAGE_SIZE, PAGE_SIZE) : 0)) {
      return false;
    }
    at->mapped++; /* the in page, which vm_channels_map maps again */
  }
  return true;
}

/* Nothing is mapped, and nothing tracked, but what the layout says. */
static bool counts_sound(const struct cursor *at) {
  uint32_t mapped = 0;
  uint32_t records = 0;
  for (uint32_t window = 0; window < WINDOW_COUNT; window++) {
    const uint32_t *tables = window_tables(at->vm, window);
    for (uint32_t page = 0; tables != NULL && page < L2_ENTRIES; page++) {
      mapped += tables[page] != 0;
      mapped += tables[L2_ENTRIES + page] != 0;
      records += tables[3u * L2_ENTRIES + page] != 0;
    }
  }
  return mapped == 2u * at->mapped && records == at->tracked;
}

static bool list_sound(struct cursor *at, const struct page_list *list, uint32_t capacity) {
  uint32_t pages = take(at, capacity * (uint32_t)sizeof(uint32_t), 64);
  return (uint32_t)(uintptr_t)list->pages == pages && list->permanent <= capacity;
}

static bool lists_sound(struct cursor *at) {
  const struct vm *vm = at->vm;
  for (uint32_t window = 0; window < WINDOW_COUNT; window++) {
    if (vm->pages[window] != NULL &&
        (uint32_t)(uintptr_t)vm->positions[window] != take(at, L2_ENTRIES * (uint32_t)sizeof(uint16_t), 64)) {
      return false;
    }
  }
  bool sound = list_sound(at, &vm->dirty, vm_writable_pages(vm->guest, WINDOW_COUNT) + VMI_CHANNEL_MAX);
  sound = list_sound(at, &vm->shared_open, vm_writable_pages(vm->guest, WINDOW_SHARED) + VMI_CHANNEL_MAX) && sound;
  for (uint32_t task = 0; task < vm->guest->task_count; task++) {
    sound = list_sound(at, &vm->task_dirty[task], vm_writable_pages(vm->guest, WINDOW_TASK + task)) && sound;
  }
  return sound;
}

static bool generations_sound(struct cursor *at) {
  const struct vm *vm = at->vm;
  bool sound = true;
  for (uint32_t n = 0; n < vm->config->generations && sound; n++) {
    const struct generation *generation = vm->generations.slot[n];
    sound = (uint32_t)(uintptr_t)generation == take(at, sizeof *generation, 64) &&
            list_sound(at, &generation->pages, vm_writable_pages(vm->guest, WINDOW_COUNT) + VMI_CHANNEL_MAX);
  }
  return sound;
}

static bool sums_sound(struct cursor *at) {
  uint32_t size = vm_sums_size(at->vm->config, at->vm->guest);
  uint32_t sums = size != 0 ? take(at, size, 64) : 0;
  at->next = (at->next + PAGE_SIZE - 1u) & PAGE_MASK;
  return (uint32_t)(uintptr_t)at->vm->sums == sums && at->vm->frames == at->next;
}

bool vm_memory_is_sound(const struct vm *vm) {
  struct cursor at = {.vm = vm, .next = vm->partition->memory_base};
  if (!spaces_sound(&at) || !lists_sound(&at) || !generations_sound(&at) || !sums_sound(&at)) {
    return false;
  }
  for (uint32_t i = 0; i < vm->guest->segment_count; i++) {
    if (!segment_sound(&at, &vm->guest->segments[i])) {
      return false;
    }
  }
  return vmm_pages_sound(&at) && counts_sound(&at) && vm->memory_next == at.next;
}
