/* SPDX-License-Identifier: Apache-2.0 */
/* The words for the status of a fault record and for a boot, the same wherever people read them. */
#ifndef VMI_FAULT_WORDS_H
#define VMI_FAULT_WORDS_H

#include "vmi.h"
#include "vmi_fault_status.h"

#define VMI_WORDS(fs, class, words) [fs] = (words),
#define VMI_PICK(table, index) ((index) < sizeof(table) / sizeof((table)[0]) ? (table)[index] : "unknown")

static inline const char *vmi_fault_status_words(uint32_t kind, uint32_t fsr) {
  static const char *const words[32] = {VMI_FAULT_STATUSES(VMI_WORDS)};
  uint32_t fs = vmi_fault_status(fsr);
  return words[kind == VMI_FAULT_PREFETCH && (VMI_FAULT_STATUS_DATA_ONLY >> fs & 1u) != 0 ? 0 : fs];
}

static inline const char *vmi_boot_words(uint32_t boot) {
  static const char *const words[] = {
      [VMI_BOOT_NONE] = "not started",
      [VMI_BOOT_STARTED] = "not ready yet",
      [VMI_BOOT_READY] = "ready",
      [VMI_BOOT_VECTORS] = "no code at the vectors",
      [VMI_BOOT_MAGIC] = "no image header",
      [VMI_BOOT_VERSION] = "image of another VMI version",
      [VMI_BOOT_STACK] = "stack out of the image",
      [VMI_BOOT_ENTRY] = "entry out of the image",
      [VMI_BOOT_CRC] = "wrong checksum of the image",
      [VMI_BOOT_TIMEOUT] = "not ready in time",
  };
  return VMI_PICK(words, boot);
}

static inline const char *vmi_hang_words(uint32_t hang) {
  static const char *const words[] = {
      [VMI_HANG_LOOP] = "no sign of life",
      [VMI_HANG_MASKED] = "interrupts masked too long",
      [VMI_HANG_TICKS] = "ticks not taken",
      [VMI_HANG_TASK] = "task never waits",
      [VMI_HANG_MONOPOLY] = "keeps the CPU from other VMs",
  };
  return VMI_PICK(words, hang);
}

static inline const char *vmi_backup_words(uint32_t damage) {
  return damage == VMI_BACKUP_TASK ? "a page of the task's backup damaged" : "a page of the VM's backup damaged";
}

/* What the status of a record says; NULL: its kind and class have no words for it. */
static inline const char *vmi_fault_explanation(const struct vmi_fault *fault) {
  if (fault->kind == VMI_FAULT_DATA || fault->kind == VMI_FAULT_PREFETCH || fault->kind == VMI_FAULT_ASYNC) {
    return vmi_fault_status_words(fault->kind, fault->status);
  }
  if (fault->class == VMI_CLASS_BACKUP) {
    return vmi_backup_words(fault->status);
  }
  if (fault->class == VMI_CLASS_HANG) {
    return vmi_hang_words(fault->status);
  }
  if (fault->class != VMI_CLASS_BOOT) {
    return (const char *)0;
  }
  return vmi_boot_words(fault->kind == VMI_FAULT_SCRUB ? (uint32_t)VMI_BOOT_CRC : fault->status);
}

#endif
