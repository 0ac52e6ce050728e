// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/scrub.c vmm-c/lib/crc32.c
// flags: -no-pie -fno-pie -Wno-pointer-to-int-cast -Wno-int-to-pointer-cast
// flags: -Wl,--defsym=__text_start=vmm_image -Wl,--defsym=__checksums_start=vmm_image+12288 -Wl,--defsym=__guest_images_start=golden
/*
 * D8: every page that must not change is looked at once in each pass, in steps of any length, and of a page, its golden copy
 * and its CRC the right one is found to be at fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/fault.h"
#include "core/guest_access.h"
#include "core/print.h"
#include "core/recovery.h"
#include "core/scrub.h"
#include "core/vm_memory.h"
#include "core/vmm_fault.h"
#include "lib/crc32.h"

#define PAGE 4096u
#define VMM_PAGES 3u
#define TEXT_PAGES 3u
#define TEXT_BYTES (2u * PAGE + 100u)
#define TASK_PAGES 1u
#define DATA_BYTES 50u
#define GOLDEN_PAGES (TEXT_PAGES + TASK_PAGES + 1u)
#define PASS_PAGES (VMM_PAGES + GOLDEN_PAGES + 2u * (TEXT_PAGES + TASK_PAGES)) /* two of the VMs live */
#define TASK_VA 0x00400000u

/* As vmm.ld.j2 lays them out: the checksums of the VMM follow its text. */
struct {
  uint8_t text[VMM_PAGES - 1u][PAGE];
  uint32_t guest_sums[PAGE / 4u]; /* constants */
  uint32_t sums[PAGE / 4u];
} vmm_image __attribute__((aligned(4096)));

uint8_t golden[GOLDEN_PAGES][PAGE] __attribute__((aligned(4096)));
static uint8_t frames[3][TEXT_PAGES + TASK_PAGES][PAGE] __attribute__((aligned(4096)));
static uint32_t entries[3][TEXT_PAGES + TASK_PAGES];

static const struct segment_config segments[] = {
    {.va = VMI_KERNEL_BASE,
     .mem_size = TEXT_PAGES * PAGE,
     .file_size = TEXT_BYTES,
     .data = golden[0],
     .sums = &vmm_image.guest_sums[0],
     .executable = true},
    {.va = VMI_SHARED_BASE, .mem_size = PAGE, .writable = true},
    {.va = TASK_VA,
     .mem_size = PAGE,
     .file_size = PAGE,
     .data = golden[TEXT_PAGES],
     .sums = &vmm_image.guest_sums[TEXT_PAGES]},
    {.va = TASK_VA + PAGE,
     .mem_size = PAGE,
     .file_size = DATA_BYTES,
     .data = golden[TEXT_PAGES + 1u],
     .sums = &vmm_image.guest_sums[TEXT_PAGES + 1u],
     .writable = true},
};
static const struct guest_config guest = {.name = "guest", .segments = segments, .segment_count = 4};
const struct guest_config *const config_guests[] = {&guest};
const uint32_t config_guest_count = 1;
const uint32_t config_vm_count = 3;
const uint32_t config_tick_us = 1000;
const uint32_t config_housekeeping_ticks = 10;
const uint32_t config_scrub_bytes = 1000;
struct vm vms[VM_MAX];

static struct vmi_scrub answer;
static struct vmi_fault events[8];
static unsigned event_vm[8], event_task[8], event_count;
static uint32_t cleaned;
static jmp_buf stopped;

uint32_t *vm_entry(const uint32_t *l1, uint32_t va) {
  unsigned vm = l1[0];
  return &entries[vm][va >= TASK_VA ? TEXT_PAGES : (va - VMI_KERNEL_BASE) / PAGE];
}

#define NOTED 0x100u /* for a task: fault_note */

void fault_event(struct vm *vm, uint32_t task, const struct vmi_fault *what) {
  assert_true(event_count < 8);
  event_vm[event_count] = (unsigned)(vm - vms);
  event_task[event_count] = task;
  events[event_count++] = *what;
}

void fault_note(struct vm *vm, const struct vmi_fault *what) {
  fault_event(vm, NOTED, what);
}

void code_written(uint32_t address, uint32_t bytes) {
  assert_int_equal(bytes, PAGE);
  cleaned = address;
}

uint32_t recovery_validate_step(void) {
  return 0;
}

void print(const char *fmt, ...) {
  (void)fmt;
}

_Noreturn void vmm_fault_raise(enum vmi_fault_class class, uint32_t address) {
  assert_int_equal(class, VMI_CLASS_TEXT);
  (void)address;
  longjmp(stopped, 1);
}

bool guest_write(struct vm *vm, uint32_t va, const void *src, uint32_t n) {
  assert_ptr_equal(vm, &vms[0]);
  assert_int_equal(n, sizeof answer);
  memcpy(&answer, src, n);
  return va != 0;
}

static void seal(void) {
  for (unsigned p = 0; p < GOLDEN_PAGES; p++) {
    vmm_image.guest_sums[p] = crc32(0, golden[p], PAGE);
  }
  for (unsigned p = 0; p < VMM_PAGES; p++) {
    vmm_image.sums[p] = crc32(0, (const uint8_t *)&vmm_image + p * PAGE, PAGE);
  }
}

static int set_up(void **state) {
  static uint32_t l1[3] = {0, 1, 2};
  (void)state;
  for (unsigned i = 0; i < sizeof golden; i++) {
    (&golden[0][0])[i] = (uint8_t)(i * 31u + i / 4096u);
  }
  for (unsigned i = 0; i < sizeof vmm_image.text; i++) {
    (&vmm_image.text[0][0])[i] = (uint8_t)(i * 17u);
  }
  for (unsigned vm = 0; vm < 3; vm++) {
    memcpy(frames[vm], golden, sizeof frames[vm]);
    for (unsigned p = 0; p < TEXT_PAGES + TASK_PAGES; p++) {
      entries[vm][p] = (uint32_t)(uintptr_t)frames[vm][p] | 0xfffu;
    }
    vms[vm] = (struct vm){.guest = &guest, .active_pt = &l1[vm], .run_state = VMI_VM_RUNNING};
  }
  vms[1].run_state = VMI_VM_STOPPED;
  vms[2].run_state = VMI_VM_PAUSED;
  seal();
  event_count = 0;
  cleaned = 0;
  return 0;
}

static struct vmi_scrub now(void) {
  struct context frame = {.r = {[0] = 1}};
  assert_int_equal(scrub_call(&vms[0], &frame), VMI_OK);
  return answer;
}

/* To the end of the pass after this one: everything is looked at in between. */
static void whole_pass(void) {
  for (uint32_t end = now().passes + 2u; now().passes < end;) {
    scrub_step();
  }
}

/* D8 Each page once in a pass: those of the VMM, all golden copies, and the read-only ones of VMs that live. */
static void test_every_page_once(void **state) {
  (void)state;
  whole_pass();
  struct vmi_scrub before = now();
  uint32_t steps = 0;
  for (; now().passes == before.passes; steps++) {
    scrub_step();
  }
  assert_int_equal(now().size, PASS_PAGES * PAGE);
  assert_in_range(now().pages - before.pages, PASS_PAGES - 1u, PASS_PAGES + 1u);
  /* A step is bounded: what it checks, and the looking for pages, is never more than its bytes. */
  assert_in_range(steps, PASS_PAGES * PAGE / 1000u, PASS_PAGES * PAGE / 1000u + 20u);
  assert_int_equal(event_count, 0);
  assert_int_equal(now().repaired + now().damaged, 0);
  assert_int_equal(now().step_bytes, 1000);
  assert_int_equal(now().step_us, 10000);
}

/* D8 A flipped bit in any page of a VM: loaded again, told with its address and task, and only once. */
static void test_page_of_a_vm(void **state) {
  (void)state;
  for (unsigned p = 0; p < TEXT_PAGES + TASK_PAGES; p++) {
    uint32_t repaired = now().repaired;
    set_up(NULL);
    frames[2][p][p * 1000u] ^= 1u << p;
    whole_pass();
    assert_int_equal(event_count, 1);
    assert_int_equal(event_vm[0], 2);
    assert_int_equal(event_task[0], p < TEXT_PAGES ? VMI_TASK_KERNEL : 1);
    assert_int_equal(events[0].kind, VMI_FAULT_SCRUB);
    assert_int_equal(events[0].class, VMI_CLASS_TEXT);
    assert_int_equal(events[0].status, VMI_TEXT_REPAIRED);
    assert_int_equal(events[0].address, p < TEXT_PAGES ? VMI_KERNEL_BASE + p * PAGE : TASK_VA);
    assert_memory_equal(frames[2], golden, sizeof frames[2]);
    assert_int_equal(cleaned, p < TEXT_PAGES ? (uint32_t)(uintptr_t)frames[2][p] : 0);
    assert_int_equal(now().repaired, repaired + 1u);
  }
}

/* D8 A VM that does not live is not looked at: it is loaded anew before it runs. */
static void test_stopped_vm(void **state) {
  (void)state;
  frames[1][0][0] ^= 1u;
  whole_pass();
  assert_int_equal(event_count, 0);
}

/* D8 A standby that waits is ready to run: its text is mended, and no more than told. */
static void test_standby(void **state) {
  (void)state;
  vms[1].run_state = VMI_VM_STANDBY;
  frames[1][TEXT_PAGES][5] ^= 1u;
  whole_pass();
  assert_int_equal(event_count, 1);
  assert_int_equal(event_vm[0], 1);
  assert_int_equal(event_task[0], NOTED);
  assert_int_equal(events[0].status, VMI_TEXT_REPAIRED);
  assert_memory_equal(frames[1], golden, sizeof frames[1]);
}

/* D8 A golden copy that differs is told to the VMs made of it, once, and nothing is loaded from it. */
static void test_golden_copy(void **state) {
  (void)state;
  golden[1][17] ^= 0x40u;
  whole_pass();
  whole_pass();
  assert_int_equal(event_count, 2);
  assert_int_equal(event_vm[0], 0);
  assert_int_equal(event_vm[1], 2);
  assert_int_equal(events[1].class, VMI_CLASS_TEXT);
  assert_int_equal(events[1].status, VMI_TEXT_GOLDEN);
  assert_int_equal(events[1].address, (uint32_t)(uintptr_t)golden[1]);
  frames[2][1][99] ^= 1u;
  scrub_step();
  event_count = 0;
  while (event_count == 0) {
    scrub_step();
  }
  assert_int_equal(event_vm[0], 2);
  assert_int_equal(events[0].class, VMI_CLASS_BOOT);
  assert_int_equal(events[0].status, VMI_TEXT_LOST);
  assert_int_equal(frames[2][1][99], golden[1][99] ^ 1u);
}

/* R31 D8 Text or constants of the VMM, the CRCs of the guests among them: no guest is blamed for these. */
static void test_vmm(void **state) {
  (void)state;
  for (volatile unsigned which = 0; which < 3; which++) {
    set_up(NULL);
    if (which < VMM_PAGES - 1u) {
      vmm_image.text[which][4095] ^= 0x80u;
    } else {
      vmm_image.guest_sums[0] ^= 1u;
    }
    if (setjmp(stopped) == 0) {
      whole_pass();
      fail_msg("not noticed");
    }
    assert_int_equal(event_count, 0);
  }
}

/* D8 Content exchanged in the middle of a page, as by a restart with another guest, is no damage. */
static void test_exchanged_guest(void **state) {
  (void)state;
  for (unsigned i = 0; i < 200; i++) {
    scrub_step();
    for (unsigned p = 0; p < TEXT_PAGES + TASK_PAGES; p++) {
      memset(frames[0][p], (int)i, PAGE);
      memset(golden[p], (int)i, PAGE);
      memcpy(frames[2][p], golden[p], PAGE);
    }
    seal();
  }
  assert_int_equal(event_count, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_every_page_once, set_up), cmocka_unit_test_setup(test_page_of_a_vm, set_up),
      cmocka_unit_test_setup(test_stopped_vm, set_up),      cmocka_unit_test_setup(test_golden_copy, set_up),
      cmocka_unit_test_setup(test_exchanged_guest, set_up), cmocka_unit_test_setup(test_vmm, set_up),
      cmocka_unit_test_setup(test_standby, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
