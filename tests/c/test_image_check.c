// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/image_check.c vmm-c/lib/crc32.c
/* D8, R38: each way in which an image can be unfit has a diagnosis of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/image_check.h"
#include "lib/crc32.h"

#define PAGE 0x1000u
#define STACK 0x00110000u

static union {
  uint32_t words[16];
  struct {
    uint32_t vectors[8];
    struct vmi_header header;
  } image;
} text;
static uint32_t data[4];
static struct segment_config segments[3];
static const struct guest_config guest = {.segments = segments, .segment_count = 3};

/* What the builder would compute: only for changes that are made before it. */
static void seal(void) {
  for (unsigned i = 0; i < 3; i++) {
    segments[i].crc = crc32(0, segments[i].data, segments[i].file_size);
  }
}

static int fresh(void **state) {
  (void)state;
  memset(&text, 0, sizeof text);
  text.image.vectors[0] = 0xea00000a; /* B to 0x30 */
  text.image.header = (struct vmi_header){VMI_HEADER_MAGIC, VMI_ABI_VERSION, STACK + PAGE, 0};
  segments[0] = (struct segment_config){.va = VMI_KERNEL_BASE,
                                        .mem_size = PAGE,
                                        .file_size = sizeof text,
                                        .data = (const uint8_t *)&text,
                                        .executable = true};
  segments[1] = (struct segment_config){
      .va = VMI_KERNEL_BASE + PAGE, .mem_size = PAGE, .file_size = sizeof data, .data = (const uint8_t *)data};
  segments[2] = (struct segment_config){.va = STACK, .mem_size = PAGE, .writable = true, .stack = true};
  seal();
  return 0;
}

static void test_good_image(void **state) {
  (void)state;
  assert_int_equal(image_check(&guest), VMI_BOOT_NONE);
}

static void test_vectors(void **state) {
  (void)state;
  segments[0].executable = false;
  assert_int_equal(image_check(&guest), VMI_BOOT_VECTORS);
  (void)fresh(NULL);
  segments[0].va += PAGE;
  assert_int_equal(image_check(&guest), VMI_BOOT_VECTORS);
  (void)fresh(NULL);
  segments[0].file_size = VMI_HEADER_OFFSET;
  assert_int_equal(image_check(&guest), VMI_BOOT_VECTORS);
}

static void test_header(void **state) {
  (void)state;
  text.image.header.magic ^= 1u;
  seal();
  assert_int_equal(image_check(&guest), VMI_BOOT_MAGIC);
  (void)fresh(NULL);
  text.image.header.abi_version++;
  seal();
  assert_int_equal(image_check(&guest), VMI_BOOT_VERSION);
}

static void test_stack(void **state) {
  (void)state;
  static const uint32_t wrong[] = {0, 4, STACK, STACK + PAGE + 8, STACK + PAGE - 4, VMI_KERNEL_BASE + PAGE, 0xfffffff8};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    text.image.header.stack_top = wrong[i];
    seal();
    assert_int_equal(image_check(&guest), VMI_BOOT_STACK);
  }
}

static void test_entry(void **state) {
  (void)state;
  static const uint32_t wrong[] = {
      0,          /* no instruction that anybody writes there */
      0xea7fffff, /* B far ahead */
      0xeafffffd, /* B to the word before the image */
      0xea0003fe, /* B to the next segment, which is not executable */
  };
  static const uint32_t right[] = {0xea0003fd, 0xeafffffe, 0xe59ff018}; /* last word, itself, LDR pc */
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    text.image.vectors[0] = wrong[i];
    seal();
    assert_int_equal(image_check(&guest), VMI_BOOT_ENTRY);
  }
  for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
    text.image.vectors[0] = right[i];
    seal();
    assert_int_equal(image_check(&guest), VMI_BOOT_NONE);
  }
}

/* Any bit of any segment that is not looked at otherwise. */
static void test_checksum(void **state) {
  (void)state;
  for (unsigned bit = 0; bit < 8 * sizeof data; bit++) {
    data[bit / 32] ^= 1u << bit % 32;
    assert_int_equal(image_check(&guest), VMI_BOOT_CRC);
    data[bit / 32] ^= 1u << bit % 32;
  }
  text.image.header.pure_calls ^= 1u;
  assert_int_equal(image_check(&guest), VMI_BOOT_CRC);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_good_image, fresh), cmocka_unit_test_setup(test_vectors, fresh),
      cmocka_unit_test_setup(test_header, fresh),     cmocka_unit_test_setup(test_stack, fresh),
      cmocka_unit_test_setup(test_entry, fresh),      cmocka_unit_test_setup(test_checksum, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
