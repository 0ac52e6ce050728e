/* SPDX-License-Identifier: Apache-2.0 */
#include "core/image_check.h"

#include <stddef.h>

#include "lib/crc32.h"

#define KERNEL_END (VMI_KERNEL_BASE + VMI_WINDOW_SIZE)

/* B, always, ARM state (ARM ARM A8.8.18) */
#define BRANCH_MASK 0xff000000u
#define BRANCH 0xea000000u

/* The segment of the kernel that va lies in, or NULL. */
static const struct segment_config *kernel_segment(const struct guest_config *guest, uint32_t va) {
  for (uint32_t i = 0; i < guest->segment_count; i++) {
    const struct segment_config *segment = &guest->segments[i];
    if (segment->va >= VMI_KERNEL_BASE && segment->va < KERNEL_END && va - segment->va < segment->mem_size) {
      return segment;
    }
  }
  return NULL;
}

static bool stack_valid(const struct guest_config *guest, uint32_t top) {
  const struct segment_config *segment = kernel_segment(guest, top - 4u);
  return (top & 7u) == 0 && segment != NULL && segment->writable;
}

/* The vector may be any instruction; of the usual one it is known where it leads to. */
static bool entry_valid(const struct guest_config *guest, uint32_t vector) {
  if ((vector & BRANCH_MASK) != BRANCH) {
    return vector != 0;
  }
  uint32_t offset = (vector << 8 >> 6) | ((vector & 0x800000u) != 0 ? 0xfc000000u : 0u);
  const struct segment_config *segment = kernel_segment(guest, VMI_KERNEL_BASE + VMI_VECTOR_RESET + 8u + offset);
  return segment != NULL && segment->executable;
}

static enum vmi_boot kernel_check(const struct guest_config *guest) {
  const struct segment_config *text = kernel_segment(guest, VMI_KERNEL_BASE);
  if (text == NULL || !text->executable || text->file_size < VMI_HEADER_OFFSET + sizeof(struct vmi_header)) {
    return VMI_BOOT_VECTORS;
  }
  const uint32_t *vectors = (const void *)text->data;
  const struct vmi_header *header = (const void *)(text->data + VMI_HEADER_OFFSET);
  if (header->magic != VMI_HEADER_MAGIC) {
    return VMI_BOOT_MAGIC;
  }
  if (header->abi_version != VMI_ABI_VERSION) {
    return VMI_BOOT_VERSION;
  }
  if (!stack_valid(guest, header->stack_top)) {
    return VMI_BOOT_STACK;
  }
  return entry_valid(guest, vectors[VMI_VECTOR_RESET / 4]) ? VMI_BOOT_NONE : VMI_BOOT_ENTRY;
}

enum vmi_boot image_check(const struct guest_config *guest) {
  enum vmi_boot result = kernel_check(guest);
  for (uint32_t i = 0; result == VMI_BOOT_NONE && i < guest->segment_count; i++) {
    const struct segment_config *segment = &guest->segments[i];
    if (crc32(0, segment->data, segment->file_size) != segment->crc) {
      result = VMI_BOOT_CRC;
    }
  }
  return result;
}
