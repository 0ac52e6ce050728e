/* SPDX-License-Identifier: Apache-2.0 */
/* Part of vmi.h: what the VMM checks, and what it finds (D7, D8). */
#ifndef VMI_INTEGRITY_H
#define VMI_INTEGRITY_H

#include <stdint.h>

/*
 * VMI_OBJECT: what must always hold of a part of the guest's memory.
 * RANGE: `count` values of `width` bytes, `stride` apart: each from min to max. POINTER: the same for pointers: each null, or
 * a multiple of 4 from min to max. LIST: the pointer at `address` names the first element, null: none; each element is a
 * pointer as above, at most `count` of them; its next one stands at +next, the one before it (null: none) at +previous.
 */
enum vmi_object_kind {
  VMI_OBJECT_RANGE,
  VMI_OBJECT_POINTER,
  VMI_OBJECT_LIST,
  VMI_OBJECT_KINDS,
};

struct vmi_object {
  uint32_t address;
  uint8_t kind;
  uint8_t width; /* 1, 2 or 4; 4 for pointers and lists */
  uint16_t count;
  uint16_t stride;
  uint16_t reserved;
  uint32_t min;
  uint32_t max;
  uint16_t next;
  uint16_t previous;
};

/* VMI_SCRUB */
struct vmi_scrub {
  uint32_t step_bytes; /* checked every step_us; 0: none */
  uint32_t step_us;
  uint32_t size;     /* bytes of the last complete pass */
  uint32_t passes;   /* complete ones */
  uint32_t pages;    /* checked */
  uint32_t repaired; /* loaded again from the golden copy */
  uint32_t damaged;  /* and not repaired, golden copies included */
};

/* Status of what the scrubber found in text and constants. */
enum vmi_text_damage {
  VMI_TEXT_REPAIRED, /* loaded again from the golden copy */
  VMI_TEXT_GOLDEN,   /* the golden copy differs; what the VM uses does not */
  VMI_TEXT_LOST,     /* both differ (class BOOT: the image is bad) */
};

/* Status of a record of class TABLE. */
enum vmi_table_damage {
  VMI_TABLE_SPACE,       /* which first-level table is active, and which the backup */
  VMI_TABLE_THREADS,     /* pointers to threads and to images of registers */
  VMI_TABLE_FIRST_LEVEL, /* an entry of a first-level table */
  VMI_TABLE_LIST,        /* a list of dirty pages */
  VMI_TABLE_ENTRY,       /* the entries of a page; the address is the page's */
};

/* Status of a record of class BACKUP; the address is the page's. */
enum vmi_backup_damage {
  VMI_BACKUP_TASK, /* the checkpoint of the task */
  VMI_BACKUP_VM,
};

_Static_assert(sizeof(struct vmi_object) == 24, "object layout");

#endif
