/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout of a partition: first-level tables, second-level tables and page records, then frames. It is computed anew
 * from the image at every creation and cold start, always with the same result, so nothing can leak.
 */
#include "core/vm_memory.h"

#include "arch/armv7/mmu.h"
#include "core/channel.h"
#include "core/outside.h"
#include "core/recovery.h"
#include "lib/string.h"

static uint8_t silent_page[PAGE_SIZE] __attribute__((aligned(4096))); /* in page of a channel without a peer */

static uint32_t page_count(const struct segment_config *segment) {
  return segment->mem_size / PAGE_SIZE;
}

bool vm_has_window(const struct guest_config *guest, unsigned window) {
  return window != 0 && (window <= WINDOW_SHARED || window == WINDOW_VMM || window < WINDOW_TASK + guest->task_count);
}

uint32_t vm_writable_pages(const struct guest_config *guest, unsigned window) {
  uint32_t pages = 0;
  for (uint32_t i = 0; i < guest->segment_count; i++) {
    const struct segment_config *segment = &guest->segments[i];
    if (segment->writable && (segment->va / VMI_WINDOW_SIZE == window || window == WINDOW_COUNT)) {
      pages += page_count(segment);
    }
  }
  return pages;
}

static uint32_t generation_count(const struct vm_config *config) {
  return recovery_protects(config) ? config->generations : 0;
}

__attribute__((cold)) static uint32_t frames_needed(const struct vm_config *config, const struct guest_config *guest) {
  uint32_t each = config->fault_tolerant ? recovery_frames + generation_count(config) : 1u;
  uint32_t frames = (vm_writable_pages(guest, WINDOW_COUNT) + VMI_CHANNEL_MAX) * each + 2u;
  for (uint32_t i = 0; i < guest->segment_count; i++) {
    if (!guest->segments[i].writable) {
      frames += page_count(&guest->segments[i]);
    }
  }
  return frames + (config->output_commit ? VMI_CHANNEL_MAX : 0u);
}

uint32_t vm_sums_size(const struct vm_config *config, const struct guest_config *guest) {
  bool summed = config->checksum && recovery_protects(config);
  return summed ? frames_needed(config, guest) * (uint32_t)sizeof(struct page_sum) + 64u : 0;
}

uint32_t vm_memory_needed(const struct vm_config *config, const struct guest_config *guest) {
  uint32_t generations = generation_count(config);
  uint32_t windows = 3u + guest->task_count;
  uint32_t writable = vm_writable_pages(guest, WINDOW_COUNT) + VMI_CHANNEL_MAX;
  uint32_t tables = (1u + windows) * WINDOW_TABLES_SIZE;
  uint32_t lists = (2u * writable + 2u * L2_ENTRIES) * (uint32_t)sizeof(uint32_t) + THREAD_COUNT * 64u;
  lists += windows * L2_ENTRIES * (uint32_t)sizeof(uint16_t);
  lists += generations * ((uint32_t)sizeof(struct generation) + writable * (uint32_t)sizeof(uint32_t) + 128u);
  lists += vm_sums_size(config, guest);
  return ((tables + lists + PAGE_SIZE - 1u) & PAGE_MASK) + frames_needed(config, guest) * PAGE_SIZE;
}

/* As it is, whatever it holds. */
static uint32_t reserve(struct vm *vm, uint32_t bytes, uint32_t align) {
  uint32_t address = (vm->memory_next + align - 1u) & ~(align - 1u);
  vm->memory_next = address + bytes;
  return address;
}

static void *allocate(struct vm *vm, uint32_t bytes, uint32_t align) {
  return memset((void *)(uintptr_t)reserve(vm, bytes, align), 0, bytes);
}

static void allocate_list(struct vm *vm, struct page_list *list, uint32_t capacity) {
  list->pages = allocate(vm, capacity * (uint32_t)sizeof(uint32_t), 64);
  list->count = 0;
  list->capacity = capacity;
  list->permanent = 0;
}

static void allocate_window(struct vm *vm, unsigned window) {
  unsigned domain = window == WINDOW_VMM ? DOMAIN_SHARED : window;
  if (!vm->tracked) {
    vm->active_pt[window] = l1_descriptor(allocate(vm, L2_BYTES, L2_BYTES), domain);
    return;
  }
  uint32_t *tables = allocate(vm, WINDOW_TABLES_SIZE, WINDOW_TABLES_SIZE);
  vm->active_pt[window] = l1_descriptor(tables, domain);
  vm->backup_pt[window] = l1_descriptor(tables + L2_ENTRIES, domain);
  if (window >= WINDOW_TASK && window != WINDOW_VMM) {
    vm->task_backup_pt[window - WINDOW_TASK] = l1_descriptor(tables + 2u * L2_ENTRIES, domain);
  }
  vm->pages[window] = tables + 3u * L2_ENTRIES;
}

static void allocate_lists(struct vm *vm) {
  if (!vm->tracked) {
    return;
  }
  for (unsigned window = 0; window < WINDOW_COUNT; window++) {
    if (vm->pages[window] != NULL) {
      vm->positions[window] = allocate(vm, L2_ENTRIES * (uint32_t)sizeof(uint16_t), 64);
    }
  }
  allocate_list(vm, &vm->dirty, vm_writable_pages(vm->guest, WINDOW_COUNT) + VMI_CHANNEL_MAX);
  allocate_list(vm, &vm->shared_open, vm_writable_pages(vm->guest, WINDOW_SHARED) + VMI_CHANNEL_MAX);
  for (unsigned task = 0; task < vm->guest->task_count; task++) {
    allocate_list(vm, &vm->task_dirty[task], vm_writable_pages(vm->guest, WINDOW_TASK + task));
  }
}

uint32_t *vm_first_space(const struct vm *vm) {
  return (uint32_t *)(uintptr_t)((vm->partition->memory_base + L1_BYTES - 1u) & L1_TABLE_MASK);
}

static void allocate_generations(struct vm *vm) {
  vm->generations = (struct generations){0};
  for (unsigned n = 0; n < generation_count(vm->config); n++) {
    struct generation *generation = allocate(vm, sizeof *generation, 64);
    allocate_list(vm, &generation->pages, vm_writable_pages(vm->guest, WINDOW_COUNT) + VMI_CHANNEL_MAX);
    generation->threads_stale = ~0u;
    vm->generations.slot[n] = generation;
  }
}

static void allocate_sums(struct vm *vm) {
  uint32_t size = vm_sums_size(vm->config, vm->guest);
  vm->sums = size != 0 ? allocate(vm, size, 64) : NULL;
}

static void allocate_tables(struct vm *vm) {
  vm->active_pt = allocate(vm, L1_BYTES, L1_BYTES);
  vm->backup_pt = vm->tracked ? allocate(vm, L1_BYTES, L1_BYTES) : NULL;
  for (unsigned window = 0; window < WINDOW_COUNT; window++) {
    vm->pages[window] = NULL;
    if (vm_has_window(vm->guest, window)) {
      allocate_window(vm, window);
    }
  }
  allocate_lists(vm);
  allocate_generations(vm);
  allocate_sums(vm);
  vm->memory_next = (vm->memory_next + PAGE_SIZE - 1u) & PAGE_MASK;
  vm->frames = vm->memory_next;
}

uint32_t *vm_entry(const uint32_t *l1, uint32_t va) {
  uint32_t window = va / VMI_WINDOW_SIZE;
  if (window >= WINDOW_COUNT || !l1_valid(l1[window])) {
    return NULL;
  }
  return l2_table(l1[window]) + va / PAGE_SIZE % L2_ENTRIES;
}

/* The same entry in every image of the VM that maps va. */
static void map_everywhere(struct vm *vm, uint32_t va, uint32_t pte) {
  uint32_t window = va / VMI_WINDOW_SIZE;
  *vm_entry(vm->active_pt, va) = pte;
  if (!vm->tracked) {
    return;
  }
  *vm_entry(vm->backup_pt, va) = pte;
  if (window >= WINDOW_TASK && window != WINDOW_VMM) {
    l2_table(vm->task_backup_pt[window - WINDOW_TASK])[va / PAGE_SIZE % L2_ENTRIES] = pte;
  }
}

/* The first frame holds the content of the page. */
static void map_writable(struct vm *vm, uint32_t va, uint32_t frame, uint32_t flags) {
  uint32_t pte = frame | PTE_GUEST | PTE_XN;
  if (vm->tracked) {
    vm->pages[va / VMI_WINDOW_SIZE][va / PAGE_SIZE % L2_ENTRIES] = frame | flags | vm_common_flags(vm);
    map_everywhere(vm, va, pte_arm(pte));
  } else {
    map_everywhere(vm, va, pte_open(pte));
  }
}

static void map_constant(struct vm *vm, uint32_t va, bool executable) {
  uint32_t frame = (uint32_t)allocate(vm, PAGE_SIZE, PAGE_SIZE);
  map_everywhere(vm, va, frame | PTE_GUEST | PTE_AP_USER_RO | (executable ? 0u : PTE_XN));
}

uint32_t vm_page_flags(const struct segment_config *segment) {
  uint32_t flags = segment->policy == SAVE_UNDO ? 0u : PAGE_EAGER;
  if (segment->policy == SAVE_FULL) {
    flags |= PAGE_FULL;
  } else if (segment->stack) {
    flags |= PAGE_STACK;
  }
  if (segment->persistent != 0) {
    flags |= PAGE_PERSISTENT;
  }
  return flags;
}

/* Frames of consecutive pages need not be consecutive, so the pristine content is copied page by page. */
static void load_page(struct vm *vm, const struct segment_config *segment, uint32_t offset) {
  uint32_t frame = pte_frame(*vm_entry(vm->active_pt, segment->va + offset));
  if (offset < segment->file_size) {
    uint32_t bytes = segment->file_size - offset;
    bytes = bytes < PAGE_SIZE ? bytes : PAGE_SIZE;
    memcpy((void *)(uintptr_t)frame, segment->data + offset, bytes);
    if (segment->executable) {
      code_written(frame, bytes);
    }
  }
}

uint32_t vm_frames_size(const struct vm *vm) {
  return (vm->tracked ? recovery_frames + generation_count(vm->config) : 1u) * PAGE_SIZE;
}

static bool is_saved(const struct vm *vm, const struct segment_config *segment) {
  return vm->tracked && segment->policy != SAVE_NONE;
}

/* One page of a segment, with its first frame at `frame`. Without checkpoints it is open in all tables, and has no record. */
static void map_page(struct vm *vm, const struct segment_config *segment, uint32_t va, uint32_t frame) {
  if (segment->policy == SAVE_NONE) {
    map_everywhere(vm, va, pte_open(frame | PTE_GUEST | PTE_XN));
  } else {
    map_writable(vm, va, frame, vm_page_flags(segment));
  }
}

static uint32_t segment_frames(const struct vm *vm, const struct segment_config *segment) {
  return is_saved(vm, segment) ? vm_frames_size(vm) : PAGE_SIZE;
}

static void map_segment(struct vm *vm, const struct segment_config *segment) {
  for (uint32_t offset = 0; offset < segment->mem_size; offset += PAGE_SIZE) {
    if (segment->writable) {
      uint32_t frame = (uint32_t)allocate(vm, segment_frames(vm, segment), PAGE_SIZE);
      map_page(vm, segment, segment->va + offset, frame);
    } else {
      map_constant(vm, segment->va + offset, segment->executable);
    }
    load_page(vm, segment, offset);
  }
}

static void map_kept(struct vm *vm, const struct segment_config *segment) {
  for (uint32_t offset = 0; offset < segment->mem_size; offset += PAGE_SIZE) {
    map_page(vm, segment, segment->va + offset, reserve(vm, segment_frames(vm, segment), PAGE_SIZE));
  }
}

static void reload_page(struct vm *vm, const struct segment_config *segment, uint32_t offset) {
  uint32_t va = segment->va + offset;
  recovery_first_write(vm, va);
  memset((void *)(uintptr_t)pte_frame(*vm_entry(vm->active_pt, va)), 0, PAGE_SIZE);
  load_page(vm, segment, offset);
}

void vm_memory_reload(struct vm *vm, unsigned window) {
  for (uint32_t i = 0; i < vm->guest->segment_count; i++) {
    const struct segment_config *segment = &vm->guest->segments[i];
    if (segment->writable && segment->persistent == 0 && segment->va / VMI_WINDOW_SIZE == window) {
      for (uint32_t offset = 0; offset < segment->mem_size; offset += PAGE_SIZE) {
        reload_page(vm, segment, offset);
      }
    }
  }
}

static uint32_t out_page(unsigned channel) {
  return VMI_CHANNEL_BASE + channel * VMI_CHANNEL_STRIDE;
}

/* A standby has the channel pages of the VM whose place it may take, but no peers. */
static unsigned channel_pages(const struct vm *vm) {
  const struct standby_config *pair = vm->config->standby;
  return channel_count(pair != NULL ? pair->primary : vm->index);
}

/* The vCPU page is not tracked page by page: the VMM writes it at every entry, so its structure is copied (D3). */
static void map_vmm_pages(struct vm *vm) {
  vm->vcpu = allocate(vm, PAGE_SIZE, PAGE_SIZE);
  map_everywhere(vm, VMI_VCPU_PAGE, pte_open((uint32_t)vm->vcpu | PTE_GUEST | PTE_XN));
  vm->info = allocate(vm, PAGE_SIZE, PAGE_SIZE);
  map_everywhere(vm, VMI_INFO_PAGE, (uint32_t)vm->info | PTE_GUEST | PTE_AP_USER_RO | PTE_XN);
  for (unsigned c = 0; c < channel_pages(vm); c++) {
    map_writable(vm, out_page(c), (uint32_t)allocate(vm, vm_frames_size(vm), PAGE_SIZE), 0);
    vm->channel_seen[c] = outside_is_held(vm) ? (uint32_t)allocate(vm, PAGE_SIZE, PAGE_SIZE) : 0;
  }
}

void vm_memory_build(struct vm *vm, bool keep_persistent) {
  vm->memory_next = vm->partition->memory_base;
  allocate_tables(vm);
  for (uint32_t i = 0; i < vm->guest->segment_count; i++) {
    const struct segment_config *segment = &vm->guest->segments[i];
    if (keep_persistent && segment->persistent != 0) {
      map_kept(vm, segment);
    } else {
      map_segment(vm, segment);
    }
  }
  map_vmm_pages(vm);
}

static void settle(struct vm *vm, uint32_t va) {
  uint32_t first = vm->pages[va / VMI_WINDOW_SIZE][va / PAGE_SIZE % L2_ENTRIES] & PAGE_MASK;
  uint32_t saved = pte_frame(*vm_entry(vm->backup_pt, va));
  if (first != 0 && saved != first) { /* 0: no part of checkpoints, and where it always is */
    words_copy((uint32_t *)(uintptr_t)first, (const uint32_t *)(uintptr_t)saved, PAGE_SIZE);
  }
}

void vm_persistent_settle(struct vm *vm) {
  for (uint32_t i = 0; vm->tracked && i < vm->guest->segment_count; i++) {
    const struct segment_config *segment = &vm->guest->segments[i];
    for (uint32_t offset = 0; segment->persistent != 0 && offset < segment->mem_size; offset += PAGE_SIZE) {
      settle(vm, segment->va + offset);
    }
  }
}

static void map_in_page(struct vm *vm, unsigned channel, uint32_t frame) {
  uint32_t va = out_page(channel) + PAGE_SIZE;
  map_everywhere(vm, va, frame | PTE_GUEST | PTE_AP_USER_RO | PTE_XN);
  tlb_forget_page(va, vm->asid);
}

static uint32_t active_frame(const struct vm *vm, unsigned channel) {
  return pte_frame(*vm_entry(vm->active_pt, out_page(channel)));
}

static uint32_t seen_frame(const struct vm *vm, unsigned channel) {
  if (vm->run_state == VMI_VM_EMPTY) {
    return (uint32_t)silent_page;
  }
  return vm->channel_seen[channel] != 0 ? vm->channel_seen[channel] : active_frame(vm, channel);
}

void vm_channel_show(const struct vm *vm, unsigned c) {
  words_copy((uint32_t *)(uintptr_t)vm->channel_seen[c], (const uint32_t *)(uintptr_t)active_frame(vm, c), PAGE_SIZE);
}

void vm_channels_map(struct vm *vm) {
  unsigned peer_vm;
  unsigned peer_channel;
  for (unsigned c = 0; channel_peer(vm->index, c, &peer_vm, &peer_channel); c++) {
    struct vm *peer = vm_numbered(peer_vm);
    if (vm->run_state != VMI_VM_EMPTY) {
      map_in_page(vm, c, seen_frame(peer, peer_channel));
    }
    if (peer->run_state != VMI_VM_EMPTY) {
      map_in_page(peer, peer_channel, seen_frame(vm, c));
    }
  }
}
