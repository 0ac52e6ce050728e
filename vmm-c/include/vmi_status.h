/* SPDX-License-Identifier: Apache-2.0 */
/* Part of vmi.h: meanings of vmi_fault.reason, and of vmi_fault.status where no exception is behind the record. */
#ifndef VMI_STATUS_H
#define VMI_STATUS_H

enum vmi_reason {
  VMI_REASON_POLICY,       /* the level the policy starts with */
  VMI_REASON_KERNEL_FAULT, /* the guest kernel executed */
  VMI_REASON_SHARED_STATE, /* the task changed kernel-visible or shared state since its checkpoint (D6) */
  VMI_REASON_BUDGET,       /* the retry budget of the lower level is used up (D5) */
  VMI_REASON_UNPROTECTED,  /* the VM has no checkpoint (fault tolerance off, or VM0) */
  VMI_REASON_UNAVAILABLE, /* the action of the policy is not possible: no standby, no older generation, no such task */
};

/* How far the boot of a VM came; from VMI_BOOT_VECTORS on: why it failed. The status of a fault of class BOOT. */
enum vmi_boot {
  VMI_BOOT_NONE, /* not started */
  VMI_BOOT_STARTED, /* VMI_READY has not been called */
  VMI_BOOT_READY,
  VMI_BOOT_VECTORS, /* no code at the vectors */
  VMI_BOOT_MAGIC, /* no header */
  VMI_BOOT_VERSION, /* header of another version of the VMI */
  VMI_BOOT_STACK, /* stack_top is not the end of memory that the kernel can write */
  VMI_BOOT_ENTRY, /* the reset vector leads out of the kernel's code */
  VMI_BOOT_CRC, /* the image has changed since it was built */
  VMI_BOOT_TIMEOUT, /* no VMI_READY within the configured time */
};

/* Status of a fault of class HANG: what a watchdog missed. */
enum vmi_hang {
  VMI_HANG_LOOP, /* the VM runs and runs, and gives no sign of life */
  VMI_HANG_MASKED, /* the kernel runs with interrupts masked while one is pending */
  VMI_HANG_TICKS, /* ended timer periods are not taken any more */
  VMI_HANG_TASK, /* the task runs and never waits */
  VMI_HANG_MONOPOLY, /* the VM keeps less urgent ones from running */
};

#endif
