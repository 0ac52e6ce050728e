/* SPDX-License-Identifier: Apache-2.0 */
#include "core/scrub.h"

#include "arch/armv7/mmu.h"
#include "core/fault.h"
#include "core/guest_access.h"
#include "core/print.h"
#include "core/recovery.h"
#include "core/vm_memory.h"
#include "core/vmm_fault.h"
#include "lib/crc32.h"
#include "lib/string.h"

#define IMAGE_PAGES 4096u /* the VMM and all golden copies are not larger: see vmm.ld.j2 */
#define LOOK_BYTES 32u /* to find the next page takes about as long as to check so many bytes */

/* Every part of the memory that is checked, in this order. */
enum area { AREA_VMM, AREA_GOLDEN, AREA_VM, AREA_COUNT };

extern const uint8_t __text_start[], __checksums_start[], __guest_images_start[];

/* A place in the walk. owner: guest or VM; segment: of that guest. Both are 0 in the VMM. */
static struct place {
  enum area area;
  uint32_t owner;
  uint32_t segment;
  uint32_t page;
} at;

struct target {
  uint8_t *content;
  const uint32_t *sum; /* that its page should have */
};

static uint32_t done; /* bytes of the page that are in crc */
static uint32_t crc;
static uint32_t walked; /* bytes of this pass so far */
static struct vmi_scrub totals;
static uint32_t golden_told[IMAGE_PAGES / 32u];

static uint32_t owner_count(void) {
  static const uint32_t one = 1;
  const uint32_t *const counts[AREA_COUNT] = {&one, &config_guest_count, &config_vm_count};
  return *counts[at.area];
}

static bool is_alive(const struct vm *vm) {
  return vm->run_state == VMI_VM_RUNNING || vm->run_state == VMI_VM_PAUSED || vm->run_state == VMI_VM_STANDBY;
}

/* NULL: there is no such segment, or its VM does not live. */
static const struct segment_config *segment_at(void) {
  const struct guest_config *guest;
  if (at.area == AREA_GOLDEN) {
    guest = config_guests[at.owner];
  } else {
    guest = is_alive(&vms[at.owner]) ? vms[at.owner].guest : NULL;
  }
  return guest != NULL && at.segment < guest->segment_count ? &guest->segments[at.segment] : NULL;
}

static bool locate_vmm(struct target *target) {
  uint32_t address = (uint32_t)__text_start + at.page * PAGE_SIZE;
  *target = (struct target){(uint8_t *)(uintptr_t)address, (const uint32_t *)(const void *)__checksums_start + at.page};
  return address < (uint32_t)__checksums_start;
}

static bool locate_golden(const struct segment_config *segment, struct target *target) {
  *target = (struct target){(uint8_t *)(uintptr_t)(segment->data + at.page * PAGE_SIZE), segment->sums + at.page};
  return at.page * PAGE_SIZE < segment->file_size;
}

static bool locate_vm(const struct segment_config *segment, struct target *target) {
  if (segment->writable || at.page * PAGE_SIZE >= segment->file_size) {
    return false;
  }
  const uint32_t *entry = vm_entry(vms[at.owner].active_pt, segment->va + at.page * PAGE_SIZE);
  *target = (struct target){(uint8_t *)(uintptr_t)pte_frame(*entry), segment->sums + at.page};
  return true;
}

static bool locate(struct target *target) {
  if (at.area == AREA_VMM) {
    return at.segment == 0 && locate_vmm(target);
  }
  const struct segment_config *segment = segment_at();
  if (segment == NULL) {
    return false;
  }
  return at.area == AREA_GOLDEN ? locate_golden(segment, target) : locate_vm(segment, target);
}

static void end_pass(void) {
  totals.passes++;
  totals.size = walked;
  walked = 0;
}

/* The place has no page: go on with the next segment, owner or area. */
static void skip(void) {
  at.page = 0;
  if (at.area != AREA_VMM && segment_at() != NULL) {
    at.segment++;
    return;
  }
  at.segment = 0;
  if (++at.owner < owner_count()) {
    return;
  }
  at.owner = 0;
  if (at.area == AREA_VM) {
    at.area = AREA_VMM;
    end_pass();
  } else {
    at.area++;
  }
}

/* A standby has not run with it yet: nothing has to be taken back. */
static void report(struct vm *vm, enum vmi_fault_class class, enum vmi_text_damage damage, uint32_t address) {
  uint32_t window = address / VMI_WINDOW_SIZE;
  uint32_t task = window >= WINDOW_TASK && window < WINDOW_VMM ? window - WINDOW_TASK : VMI_TASK_KERNEL;
  struct vmi_fault what = {.kind = VMI_FAULT_SCRUB, .class = (uint8_t)class, .address = address, .status = damage};
  if (vm->run_state == VMI_VM_STANDBY) {
    fault_note(vm, &what);
  } else {
    fault_event(vm, task, &what);
  }
}

/* It stays damaged: the VMM can't write there. */
static bool told_before(const uint8_t *golden) {
  uint32_t page = (uint32_t)(golden - __guest_images_start) / PAGE_SIZE;
  uint32_t *word = &golden_told[page / 32u];
  bool told = (*word >> page % 32u & 1u) != 0;
  *word |= 1u << page % 32u;
  return told;
}

/* The VMs that were made of it run on what they have: only a restart would need it. */
static void golden_damaged(const struct target *target) {
  if (told_before(target->content)) {
    return;
  }
  totals.damaged++;
  for (uint32_t i = 0; i < config_vm_count; i++) {
    struct vm *vm = &vms[i];
    if (is_alive(vm) && at.segment < vm->guest->segment_count &&
        vm->guest->segments[at.segment].data == config_guests[at.owner]->segments[at.segment].data) {
      fault_note(vm, &(struct vmi_fault){.kind = VMI_FAULT_SCRUB,
                                         .class = VMI_CLASS_TEXT,
                                         .address = (uint32_t)target->content,
                                         .status = VMI_TEXT_GOLDEN});
    }
  }
}

static void load_again(struct vm *vm, const struct segment_config *segment, const struct target *target,
                       const uint8_t *golden) {
  memcpy(target->content, golden, PAGE_SIZE);
  if (segment->executable) {
    code_written((uint32_t)target->content, PAGE_SIZE);
  }
  totals.repaired++;
  report(vm, VMI_CLASS_TEXT, VMI_TEXT_REPAIRED, segment->va + at.page * PAGE_SIZE);
}

/* What is right cannot be had from a golden copy that is wrong, too. */
static void vm_damaged(const struct target *target) {
  struct vm *vm = &vms[at.owner];
  const struct segment_config *segment = segment_at();
  const uint8_t *golden = segment->data + at.page * PAGE_SIZE;
  if (crc32(0, golden, PAGE_SIZE) == *target->sum) {
    load_again(vm, segment, target, golden);
  } else {
    totals.damaged++;
    report(vm, VMI_CLASS_BOOT, VMI_TEXT_LOST, segment->va + at.page * PAGE_SIZE);
  }
}

static bool differs(const struct target *target) {
  return crc32(0, target->content, PAGE_SIZE) != *target->sum;
}

/* The CRC of a guest's page lies in the constants of the VMM. */
static bool sum_is_right(const uint32_t *sum) {
  uint32_t page = ((uint32_t)sum - (uint32_t)__text_start) / PAGE_SIZE;
  return crc32(0, __text_start + page * PAGE_SIZE, PAGE_SIZE) ==
         ((const uint32_t *)(const void *)__checksums_start)[page];
}

/* A guest that was exchanged while its page was being checked is no damage: so look again, at the whole page at once. */
static void page_checked(const struct target *target) {
  totals.pages++;
  walked += PAGE_SIZE;
  if (crc == *target->sum || !differs(target)) {
    return;
  }
  if (at.area == AREA_VMM) {
    vmm_fault_raise(VMI_CLASS_TEXT, (uint32_t)target->content);
  } else if (!sum_is_right(target->sum)) {
    vmm_fault_raise(VMI_CLASS_TEXT, (uint32_t)target->sum & PAGE_MASK);
  } else if (at.area == AREA_GOLDEN) {
    golden_damaged(target);
  } else {
    vm_damaged(target);
  }
}

static void check(const struct target *target, uint32_t bytes) {
  crc = crc32(crc, target->content + done, bytes);
  done += bytes;
  if (done == PAGE_SIZE) {
    page_checked(target);
    at.page++;
    done = 0;
    crc = 0;
  }
}

static void check_next(uint32_t left) {
  struct target target;
  while (left >= LOOK_BYTES) {
    uint32_t bytes = left < PAGE_SIZE - done ? left : PAGE_SIZE - done;
    if (locate(&target)) {
      check(&target, bytes);
      left -= bytes;
    } else {
      skip();
      done = 0;
      crc = 0;
      left -= LOOK_BYTES;
    }
  }
}

void scrub_step(void) {
  if (config_scrub_bytes != 0) {
    uint32_t spent = recovery_validate_step();
    totals.step_bytes = config_scrub_bytes > spent ? config_scrub_bytes - spent : 0;
    check_next(totals.step_bytes);
  }
}

int32_t scrub_call(struct vm *vm, struct context *frame) {
  struct vmi_scrub info = totals;
  info.step_us = config_housekeeping_ticks * config_tick_us;
  return guest_write(vm, frame->r[0], &info, sizeof info) ? VMI_OK : VMI_EFAULT;
}
