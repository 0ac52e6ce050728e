/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The management calls of the VMI: only the kernel of the management VM may use them, everybody else gets
 * VMI_EPERM. `vm` is a VM number; VMI_ENOENT when there is no such VM (reference: docs/vmi.md).
 */
#ifndef LIB_VMI_MANAGE_H
#define LIB_VMI_MANAGE_H

#include "vmi_black_box.h"
#include "vmi_calls.h"

#define VMI_GUEST_CONFIGURED 0xffffffffu /* vmi_vm_create: the guest that the configuration names */

static inline int32_t vmi_vm_info(uint32_t vm, struct vmi_vm_info *info) {
  return vmi_call2(VMI_VM_INFO, vm, vmi_address(info));
}

static inline int32_t vmi_guest_info(uint32_t index, struct vmi_guest_info *info) {
  return vmi_call2(VMI_GUEST_INFO, index, vmi_address(info));
}

static inline int32_t vmi_task_info(uint32_t vm, uint32_t task, struct vmi_task_info *info) {
  return vmi_call3(VMI_TASK_INFO, vm, task, vmi_address(info));
}

/* EMPTY -> CREATED: loads image `guest` (index, or VMI_GUEST_CONFIGURED). ESTATE, ENOENT, ENOMEM. */
static inline int32_t vmi_vm_create(uint32_t vm, uint32_t guest) {
  return vmi_call2(VMI_VM_CREATE, vm, guest);
}

/* CREATED -> RUNNING; STOPPED -> RUNNING as a cold start from the pristine image. ESTATE. */
static inline int32_t vmi_vm_start(uint32_t vm) {
  return vmi_call1(VMI_VM_START, vm);
}

static inline int32_t vmi_vm_stop(uint32_t vm) {
  return vmi_call1(VMI_VM_STOP, vm);
}

static inline int32_t vmi_vm_pause(uint32_t vm) {
  return vmi_call1(VMI_VM_PAUSE, vm);
}

static inline int32_t vmi_vm_resume(uint32_t vm) {
  return vmi_call1(VMI_VM_RESUME, vm);
}

/* Any other state -> EMPTY. EPERM for the management VM itself, as for stop and pause; ESTATE. */
static inline int32_t vmi_vm_destroy(uint32_t vm) {
  return vmi_call1(VMI_VM_DESTROY, vm);
}

/* Takes a checkpoint of the whole VM now. ESTATE when it has no backup region. */
static inline int32_t vmi_vm_checkpoint(uint32_t vm) {
  return vmi_call1(VMI_VM_CHECKPOINT, vm);
}

/* Restores one task, or with VMI_TASK_KERNEL the whole VM, from its latest checkpoint. */
static inline int32_t vmi_vm_rollback(uint32_t vm, uint32_t task) {
  return vmi_call2(VMI_VM_ROLLBACK, vm, task);
}

/* The standby of the VM takes its place. ESTATE when there is none, or nothing was duplicated into it yet. */
static inline int32_t vmi_vm_take_over(uint32_t vm) {
  return vmi_call1(VMI_VM_TAKE_OVER, vm);
}

/* Record `sequence` (from 1) of the fault log, of former lives too. EAGAIN: not yet written. ENOENT: not kept. */
static inline int32_t vmi_fault_read(uint32_t sequence, struct vmi_fault *fault) {
  return vmi_call2(VMI_FAULT_READ, sequence, vmi_address(fault));
}

/* What the health monitor does about the faults of a VM; it may be changed while the VM runs. */
static inline int32_t vmi_policy_read(uint32_t vm, struct vmi_policy *policy) {
  return vmi_call2(VMI_POLICY_READ, vm, vmi_address(policy));
}

static inline int32_t vmi_policy_set(uint32_t vm, const struct vmi_policy_change *change) {
  return vmi_call2(VMI_POLICY_SET, vm, vmi_address(change));
}

/* What the lives of the board before this one left. */
static inline int32_t vmi_black_box(struct vmi_black_box *info) {
  return vmi_call2(VMI_BLACK_BOX, 0, vmi_address(info));
}

/* What the VMM knew when it failed itself: the newest for nth = 0, and so on. ENOENT: it did not so often. */
static inline int32_t vmi_last_words(uint32_t nth, struct vmi_last_words *words) {
  return vmi_call2(VMI_BLACK_BOX, nth + 1, vmi_address(words));
}

/*
 * Console output of a VM from an absolute byte offset. value: bytes copied, 0 at the end; ENOENT when
 * the offset is no longer kept, then second = the oldest offset that is.
 */
static inline struct vmi_result vmi_vm_log(uint32_t vm, uint32_t offset, char *buffer, uint32_t length) {
  return vmi_call(VMI_VM_LOG, vm, offset, vmi_address(buffer), length);
}

/* The end of the text that a VM wrote before its last fault and that was dropped. EAGAIN: none was since its creation. */
static inline int32_t vmi_vm_words(uint32_t vm, struct vmi_vm_words *words) {
  return vmi_call2(VMI_VM_WORDS, vm, vmi_address(words));
}

/* Bit n set: the console output of VM n is mirrored on the management console, line by line. */
static inline int32_t vmi_watch(uint32_t vm_mask) {
  return vmi_call1(VMI_WATCH, vm_mask);
}

/* How far the scrubber is, and what it found. */
static inline int32_t vmi_scrub(struct vmi_scrub *info) {
  return vmi_call1(VMI_SCRUB, vmi_address(info));
}

/* Ends the machine; does not return. */
static inline int32_t vmi_halt(void) {
  return vmi_call0(VMI_HALT);
}

#endif
