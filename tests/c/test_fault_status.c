// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/arch/armv7/fault_status.c
/* R25, R32: every fault status of DFSR and IFSR, against the table of the manual (ARM ARM B3.13.3, table B3-23). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "arch/armv7/fault_status.h"
#include "vmi_fault_words.h"

struct row {
  uint32_t fs[5]; /* bits 4 to 0, as printed there */
  const char *source;
  enum vmi_fault_class class;
  bool data_only;
};

/* Typed from the manual, in its order; what is not here is reserved. */
static const struct row table[] = {
    {{0, 0, 0, 0, 1}, "alignment fault", VMI_CLASS_ALIGNMENT, true},
    {{0, 0, 1, 0, 0}, "fault on instruction cache maintenance", VMI_CLASS_MAINTENANCE, true},
    {{0, 1, 1, 0, 0}, "synchronous external abort on a table walk, first level", VMI_CLASS_EXTERNAL, false},
    {{0, 1, 1, 1, 0}, "synchronous external abort on a table walk, second level", VMI_CLASS_EXTERNAL, false},
    {{1, 1, 1, 0, 0}, "synchronous parity error on a table walk, first level", VMI_CLASS_PARITY, false},
    {{1, 1, 1, 1, 0}, "synchronous parity error on a table walk, second level", VMI_CLASS_PARITY, false},
    {{0, 0, 1, 0, 1}, "translation fault, first level", VMI_CLASS_TRANSLATION, false},
    {{0, 0, 1, 1, 1}, "translation fault, second level", VMI_CLASS_TRANSLATION, false},
    {{0, 0, 0, 1, 1}, "access flag fault, first level", VMI_CLASS_ACCESS_FLAG, false},
    {{0, 0, 1, 1, 0}, "access flag fault, second level", VMI_CLASS_ACCESS_FLAG, false},
    {{0, 1, 0, 0, 1}, "domain fault, first level", VMI_CLASS_DOMAIN, false},
    {{0, 1, 0, 1, 1}, "domain fault, second level", VMI_CLASS_DOMAIN, false},
    {{0, 1, 1, 0, 1}, "permission fault, first level", VMI_CLASS_PERMISSION, false},
    {{0, 1, 1, 1, 1}, "permission fault, second level", VMI_CLASS_PERMISSION, false},
    {{0, 0, 0, 1, 0}, "debug event", VMI_CLASS_DEBUG, false},
    {{0, 1, 0, 0, 0}, "synchronous external abort", VMI_CLASS_EXTERNAL, false},
    {{1, 0, 0, 0, 0}, "TLB conflict abort", VMI_CLASS_MAINTENANCE, false},
    {{1, 0, 1, 0, 0}, "lockdown fault", VMI_CLASS_PLATFORM, false},
    {{1, 1, 0, 1, 0}, "coprocessor abort", VMI_CLASS_PLATFORM, false},
    {{1, 1, 0, 0, 1}, "synchronous parity error", VMI_CLASS_PARITY, false},
    {{1, 0, 1, 1, 0}, "asynchronous external abort", VMI_CLASS_ASYNC, true},
    {{1, 1, 0, 0, 0}, "asynchronous parity error", VMI_CLASS_ASYNC, true},
};

static const struct row reserved = {.source = "reserved fault status", .class = VMI_CLASS_OTHER};

static const struct row *find(uint32_t fs) {
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    const uint32_t *bits = table[i].fs;
    if ((bits[0] << 4 | bits[1] << 3 | bits[2] << 2 | bits[3] << 1 | bits[4]) == fs) {
      return &table[i];
    }
  }
  return &reserved;
}

/* FS[4] is bit 10 of the register; the domain, WnR, ExT and CM beside it must not matter. */
static uint32_t fsr_of(uint32_t fs, uint32_t others) {
  return (fs & 0xfu) | (fs >> 4) << 10 | (others & 0xffff39f0u);
}

static const uint32_t noise[] = {0, 0xf0, 0x1800, 0x2190, 0xffffffff};

static void test_data_aborts(void **state) {
  (void)state;
  for (uint32_t fs = 0; fs < 32; fs++) {
    const struct row *row = find(fs);
    for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++) {
      uint32_t dfsr = fsr_of(fs, noise[i]);
      uint32_t access = fault_access(dfsr);
      assert_int_equal(fault_data_classes[access] & ~FAULT_REFINE, row->class);
      assert_int_equal(access / FAULT_WRITE, dfsr >> 11 & 1u);
      assert_string_equal(vmi_fault_status_words(VMI_FAULT_DATA, dfsr), row->source);
      assert_int_equal(fault_is_asynchronous(dfsr), row->class == VMI_CLASS_ASYNC);
    }
  }
}

static void test_prefetch_aborts(void **state) {
  (void)state;
  for (uint32_t fs = 0; fs < 32; fs++) {
    const struct row *row = find(fs)->data_only ? &reserved : find(fs);
    for (size_t i = 0; i < sizeof noise / sizeof noise[0]; i++) {
      uint32_t ifsr = fsr_of(fs, noise[i]);
      assert_int_equal(fault_prefetch_classes[vmi_fault_status(ifsr)] & ~FAULT_REFINE, row->class);
      assert_string_equal(vmi_fault_status_words(VMI_FAULT_PREFETCH, ifsr), row->source);
    }
  }
}

/* Looked at again: holes of a window, jumps that permissions forbid, and whatever has no address. */
static void test_what_is_refined(void **state) {
  (void)state;
  for (uint32_t fs = 0; fs < 32; fs++) {
    enum vmi_fault_class class = find(fs)->class;
    bool data = fs == 0x07 || class == VMI_CLASS_ASYNC || class == VMI_CLASS_DEBUG;
    bool prefetch = class == VMI_CLASS_PERMISSION || class == VMI_CLASS_DEBUG;
    assert_int_equal((fault_data_classes[fs] & FAULT_REFINE) != 0, data);
    assert_int_equal((fault_data_classes[fs + FAULT_WRITE] & FAULT_REFINE) != 0, data);
    assert_int_equal((fault_prefetch_classes[fs] & FAULT_REFINE) != 0, prefetch);
  }
}

static void test_words_for_the_other_detectors(void **state) {
  (void)state;
  struct vmi_fault fault = {.kind = VMI_FAULT_WATCHDOG, .class = VMI_CLASS_HANG, .status = VMI_HANG_MASKED};
  assert_string_equal(vmi_fault_explanation(&fault), "interrupts masked too long");
  fault.status = VMI_HANG_MONOPOLY + 1;
  assert_string_equal(vmi_fault_explanation(&fault), "unknown");
  fault = (struct vmi_fault){.kind = VMI_FAULT_CHECK, .class = VMI_CLASS_BOOT, .status = VMI_BOOT_CRC};
  assert_string_equal(vmi_fault_explanation(&fault), "wrong checksum of the image");
  fault = (struct vmi_fault){.kind = VMI_FAULT_SCRUB, .class = VMI_CLASS_BOOT, .status = VMI_TEXT_LOST};
  assert_string_equal(vmi_fault_explanation(&fault), "wrong checksum of the image");
  fault = (struct vmi_fault){.kind = VMI_FAULT_UNDEFINED, .class = VMI_CLASS_INSTRUCTION};
  assert_null(vmi_fault_explanation(&fault));
  for (uint32_t boot = VMI_BOOT_NONE; boot < VMI_BOOT_TIMEOUT; boot++) {
    for (uint32_t other = boot + 1; other <= VMI_BOOT_TIMEOUT; other++) {
      assert_string_not_equal(vmi_boot_words(boot), vmi_boot_words(other));
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_data_aborts),
      cmocka_unit_test(test_prefetch_aborts),
      cmocka_unit_test(test_what_is_refined),
      cmocka_unit_test(test_words_for_the_other_detectors),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
