/* SPDX-License-Identifier: Apache-2.0 */
#include "core/guest_access.h"

#include "arch/armv7/mmu.h"
#include "core/recovery.h"
#include "core/vm_memory.h"
#include "lib/string.h"

static bool window_accessible(const struct vm *vm, uint32_t window) {
  if (vm_in_kernel(vm) || window == WINDOW_SHARED || window == WINDOW_VMM) {
    return true;
  }
  return window == WINDOW_TASK + thread_number(vm, vm->thread);
}

/* Entry through which the running thread may access va, or NULL. */
static uint32_t *accessible_entry(const struct vm *vm, uint32_t va, bool write) {
  uint32_t *entry = vm_entry(vm->active_pt, va);
  if (entry == NULL || *entry == 0 || !window_accessible(vm, va / VMI_WINDOW_SIZE)) {
    return NULL;
  }
  if (write && (*entry & PTE_AP_MASK) == PTE_AP_USER_RO) {
    return NULL;
  }
  return entry;
}

static bool accessible(struct vm *vm, uint32_t va, uint32_t n, bool write) {
  if (n == 0) {
    return true;
  }
  if (va + n - 1u < va || n > WINDOW_COUNT * SECTION_SIZE) {
    return false;
  }
  for (uint32_t page = va & PAGE_MASK; page <= va + n - 1u; page += PAGE_SIZE) {
    if (accessible_entry(vm, page, write) == NULL) {
      return false;
    }
  }
  return true;
}

bool guest_may_read(struct vm *vm, uint32_t va, uint32_t n) {
  return accessible(vm, va, n, false);
}

bool guest_may_write(struct vm *vm, uint32_t va, uint32_t n) {
  return accessible(vm, va, n, true);
}

static uint32_t chunk(uint32_t va, uint32_t n) {
  uint32_t left = PAGE_SIZE - va % PAGE_SIZE;
  return n < left ? n : left;
}

static void *frame_address(const struct vm *vm, uint32_t va) {
  return (void *)(uintptr_t)(pte_frame(*vm_entry(vm->active_pt, va)) + va % PAGE_SIZE);
}

bool guest_read(struct vm *vm, void *dst, uint32_t va, uint32_t n) {
  if (!guest_may_read(vm, va, n)) {
    return false;
  }
  for (uint8_t *to = dst; n != 0;) {
    uint32_t part = chunk(va, n);
    memcpy(to, frame_address(vm, va), part);
    to += part;
    va += part;
    n -= part;
  }
  return true;
}

bool guest_write(struct vm *vm, uint32_t va, const void *src, uint32_t n) {
  if (!guest_may_write(vm, va, n)) {
    return false;
  }
  for (const uint8_t *from = src; n != 0;) {
    uint32_t part = chunk(va, n);
    recovery_first_write(vm, va); /* the VMM's write does not fault on an armed page, so it is recorded here */
    memcpy(frame_address(vm, va), from, part);
    from += part;
    va += part;
    n -= part;
  }
  return true;
}
