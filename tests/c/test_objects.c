// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/recovery/objects.c
// flags: -no-pie -fno-pie -Wno-pointer-to-int-cast -Wno-int-to-pointer-cast
/* D7: what a guest kernel registers is checked when the kernel is not at work and its memory has changed, and never trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/armv7/mmu.h"
#include "core/recovery.h"
#include "core/vm_memory.h"
#include "recovery/objects.h"
#include "recovery/pages.h"

#define CONSTANTS VMI_KERNEL_BASE /* one page: the table */
#define DATA (VMI_KERNEL_BASE + PAGE_SIZE) /* two pages, in frames that do not follow each other */
#define UNMAPPED (VMI_KERNEL_BASE + 5u * PAGE_SIZE)
#define NODE 16u
#define NEXT 4u
#define PREVIOUS 8u

static uint8_t frames[4][PAGE_SIZE] __attribute__((aligned(4096)));
static uint32_t entries[8];
static uint32_t dirty_pages[4];
static struct vm vm;

uint32_t *vm_entry(const uint32_t *l1, uint32_t va) {
  (void)l1;
  return va / VMI_WINDOW_SIZE == WINDOW_KERNEL && va % VMI_WINDOW_SIZE / PAGE_SIZE < 8
             ? &entries[va % VMI_WINDOW_SIZE / PAGE_SIZE]
             : NULL;
}

static uint8_t *memory(uint32_t va) {
  return (uint8_t *)(uintptr_t)pte_frame(*vm_entry(NULL, va)) + va % PAGE_SIZE;
}

static void put(uint32_t va, uint32_t value) {
  memcpy(memory(va), &value, sizeof value);
}

static struct vmi_object *table(void) {
  return (struct vmi_object *)(void *)memory(CONSTANTS);
}

static int set_up(void **state) {
  (void)state;
  memset(frames, 0, sizeof frames);
  memset(entries, 0, sizeof entries);
  entries[0] = (uint32_t)(uintptr_t)frames[0] | PTE_GUEST | PTE_AP_USER_RO;
  entries[1] = (uint32_t)(uintptr_t)frames[3] | PTE_GUEST | PTE_XN | PTE_AP_USER_RW;
  entries[2] = (uint32_t)(uintptr_t)frames[1] | PTE_GUEST | PTE_XN | PTE_AP_ARMED;
  memset(&vm, 0, sizeof vm);
  vm.tracked = true;
  vm.kernel = &vm.threads[KERNEL_THREAD];
  vm.thread = &vm.threads[0];
  vm.dirty = (struct page_list){.pages = dirty_pages, .count = 1, .capacity = 4};
  dirty_pages[0] = page_id(WINDOW_KERNEL, 1);
  return 0;
}

static int32_t registered(uint32_t count) {
  return recovery_register_objects(&vm, CONSTANTS, count);
}

/* Register one object, which must be all right now. */
static void have(struct vmi_object object) {
  table()[0] = object;
  assert_int_equal(registered(1), VMI_OK);
}

static void holds(void) {
  struct vmi_fault what = {0};
  assert_true(objects_hold(&vm, &what));
}

static void broken_at(uint32_t address) {
  struct vmi_fault what = {0};
  assert_false(objects_hold(&vm, &what));
  assert_int_equal(what.kind, VMI_FAULT_CHECK);
  assert_int_equal(what.class, VMI_CLASS_OBJECT);
  assert_int_equal(what.address, address);
  assert_int_equal(what.status, 0);
}

/* D7 Values of each width, in bounds at both ends and outside, also across pages. */
static void test_range(void **state) {
  (void)state;
  for (uint32_t width = 1; width <= 4; width *= 2) {
    set_up(NULL);
    uint32_t first = DATA + PAGE_SIZE - 8u;
    for (uint32_t n = 0; n < 5; n++) {
      memory(first + 4u * n)[0] = 7;
    }
    have((struct vmi_object){.address = first,
                             .kind = VMI_OBJECT_RANGE,
                             .width = (uint8_t)width,
                             .count = 5,
                             .stride = 4,
                             .min = 5,
                             .max = 9});
    static const struct {
      uint8_t value;
      bool good;
    } cases[] = {{4, false}, {5, true}, {9, true}, {10, false}, {0, false}, {255, false}};
    for (unsigned n = 0; n < 5; n++) {
      for (unsigned c = 0; c < 6; c++) {
        memory(first + 4u * n)[0] = cases[c].value;
        if (cases[c].good) {
          holds();
        } else {
          broken_at(first + 4u * n);
        }
      }
      memory(first + 4u * n)[0] = 7;
    }
    memory(first)[width - 1u] = width == 1 ? 10 : 1; /* the whole width counts */
    broken_at(first);
  }
}

/* D7 A pointer is null, or in its bounds and a multiple of 4. */
static void test_pointer(void **state) {
  (void)state;
  have((struct vmi_object){
      .address = DATA, .kind = VMI_OBJECT_POINTER, .width = 4, .count = 1, .min = DATA + 64u, .max = DATA + 128u});
  static const uint32_t good[] = {0, DATA + 64u, DATA + 128u};
  static const uint32_t bad[] = {DATA + 60u, DATA + 132u, DATA + 65u, DATA + 66u, 0x60000000u, 4};
  for (unsigned i = 0; i < 3; i++) {
    put(DATA, good[i]);
    holds();
  }
  for (unsigned i = 0; i < 6; i++) {
    put(DATA, bad[i]);
    broken_at(DATA);
  }
}

static uint32_t node(uint32_t n) {
  return DATA + PAGE_SIZE - 2u * NODE + n * NODE; /* over the end of the page */
}

static void link_nodes(uint32_t count) {
  put(DATA, count != 0 ? node(0) : 0);
  for (uint32_t n = 0; n < count; n++) {
    put(node(n) + NEXT, n + 1u < count ? node(n + 1u) : 0);
    put(node(n) + PREVIOUS, n != 0 ? node(n - 1u) : 0);
  }
}

static const struct vmi_object four_nodes = {.address = DATA,
                                             .kind = VMI_OBJECT_LIST,
                                             .width = 4,
                                             .count = 4,
                                             .min = DATA + PAGE_SIZE - 2u * NODE,
                                             .max = DATA + PAGE_SIZE + 2u * NODE,
                                             .next = NEXT,
                                             .previous = PREVIOUS};

/* D7 Lists: empty, full, too long, a circle, a wrong way back, pointers to nowhere. */
static void test_list(void **state) {
  (void)state;
  have(four_nodes);
  for (uint32_t count = 0; count <= 4; count++) {
    link_nodes(count);
    holds();
  }
  link_nodes(5);
  broken_at(node(3));
  link_nodes(3);
  put(node(2) + NEXT, node(0));
  broken_at(node(0));
  link_nodes(4);
  put(node(2) + PREVIOUS, node(0));
  broken_at(node(2));
  link_nodes(4);
  put(node(1) + NEXT, UNMAPPED);
  broken_at(node(1));
  put(DATA, 0x0badc0d0u);
  broken_at(DATA);
}

/* D7 A list whose links cannot be read: not aligned, or on a page that is not mapped. */
static void test_list_with_unreadable_links(void **state) {
  struct vmi_object strange = four_nodes;
  uint32_t last = DATA + 2u * PAGE_SIZE - 4u; /* of the memory behind which nothing is mapped */
  (void)state;
  strange.next = NEXT + 1u;
  have(strange);
  link_nodes(1);
  broken_at(node(0));
  put(DATA, 0);
  strange = four_nodes;
  strange.max = last;
  strange.previous = 0;
  have(strange);
  put(DATA, last);
  broken_at(last);
}

/* D7 Bounds that allow unmapped memory: the check ends there, and the VMM does not fail. */
static void test_wild_bounds(void **state) {
  struct vmi_object wild = four_nodes;
  static const uint32_t nowhere[] = {UNMAPPED, 0x60000000u, 0xfffffff0u, VMI_KERNEL_BASE + 9u * PAGE_SIZE, 4};
  (void)state;
  wild.min = 0;
  wild.max = 0xffffffffu;
  have(wild);
  for (unsigned i = 0; i < 5; i++) {
    put(DATA, nowhere[i]);
    broken_at(nowhere[i]);
  }
}

/* D7 Not while the kernel is in the middle of something; and then at the next opportunity, although nothing changed. */
static void test_when(void **state) {
  (void)state;
  put(DATA, 1);
  have((struct vmi_object){.address = DATA, .kind = VMI_OBJECT_RANGE, .width = 4, .count = 1, .min = 1, .max = 1});
  put(DATA, 2);
  dirty_pages[0] = page_id(WINDOW_TASK, 1);
  holds(); /* no page of the kernel is dirty */
  dirty_pages[0] = page_id(WINDOW_KERNEL, 1);
  broken_at(DATA);
  put(DATA, 1);
  holds();
  put(DATA, 2);
  vm.thread = vm.kernel;
  holds();
  vm.dirty.count = 0;
  vm.state.waiting = true;
  broken_at(DATA);
  vm.state.waiting = false;
  vm.thread = &vm.threads[0];
  broken_at(DATA);
  vm.unchecked = false;
  vm.dirty.count = 0;
  holds();
  assert_int_equal(registered(0), VMI_OK);
  vm.dirty.count = 1;
  holds(); /* none any more */
}

/* D7 The guest's table is looked at each time: it may be gone. */
static void test_table_that_is_gone(void **state) {
  (void)state;
  have((struct vmi_object){.address = DATA, .kind = VMI_OBJECT_RANGE, .width = 4, .count = 1});
  entries[0] = 0;
  broken_at(CONSTANTS);
}

/* Invariant 2 Tables that are nowhere, not constant, or too long. */
static void test_refused_tables(void **state) {
  static const uint32_t nowhere[] = {DATA, DATA - 8u, UNMAPPED, VMI_KERNEL_BASE + 9u * PAGE_SIZE, 0, 0xfffffff0u};
  (void)state;
  have((struct vmi_object){.address = DATA, .kind = VMI_OBJECT_RANGE, .width = 4, .count = 1});
  assert_int_equal(registered(65), VMI_EINVAL);
  for (unsigned i = 0; i < sizeof nowhere / sizeof nowhere[0]; i++) {
    assert_int_equal(recovery_register_objects(&vm, nowhere[i], 1), VMI_EFAULT);
  }
  assert_int_equal(recovery_register_objects(&vm, CONSTANTS + 2u, 1), VMI_EINVAL);
  assert_int_equal(vm.state.objects, CONSTANTS);
  assert_int_equal(vm.state.object_count, 1);
  vm.tracked = false;
  assert_int_equal(registered(1), VMI_ESTATE);
}

/* Invariant 2 D7 Whatever does not make sense is refused, and changes nothing. */
static void test_refused_objects(void **state) {
  const struct vmi_object good = {.address = DATA, .kind = VMI_OBJECT_RANGE, .width = 4, .count = 1, .max = 9};
  struct vmi_object bad[12];
  (void)state;
  have(good);
  for (unsigned i = 0; i < 12; i++) {
    bad[i] = good;
  }
  bad[0].kind = VMI_OBJECT_KINDS;
  bad[1].width = 3;
  bad[2].count = 0;
  bad[3].count = 1025;
  bad[4].min = 10;
  bad[5].address = UNMAPPED;
  bad[6].address = DATA + 2u;
  bad[7].min = 1; /* broken now */
  bad[8].kind = VMI_OBJECT_POINTER;
  bad[8].width = 2;
  bad[9] = four_nodes;
  bad[9].width = 1;
  bad[10] = four_nodes;
  bad[10].address = UNMAPPED;
  bad[11].address = 0;
  for (unsigned i = 0; i < 12; i++) {
    table()[1] = good;
    table()[0] = bad[i]; /* the first one: nothing has been read before it */
    assert_int_equal(registered(2), VMI_EINVAL);
    table()[0] = good;
    table()[1] = bad[i];
    assert_int_equal(registered(2), VMI_EINVAL);
  }
  assert_int_equal(vm.state.object_count, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_range, set_up),
      cmocka_unit_test_setup(test_pointer, set_up),
      cmocka_unit_test_setup(test_list, set_up),
      cmocka_unit_test_setup(test_list_with_unreadable_links, set_up),
      cmocka_unit_test_setup(test_wild_bounds, set_up),
      cmocka_unit_test_setup(test_when, set_up),
      cmocka_unit_test_setup(test_table_that_is_gone, set_up),
      cmocka_unit_test_setup(test_refused_tables, set_up),
      cmocka_unit_test_setup(test_refused_objects, set_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
