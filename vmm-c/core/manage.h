/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Management calls of the VMI, VMI_VM_INFO..VMI_VM_WORDS (R3): arguments in frame->r[0..3], results and errors as in
 * docs/vmi.md. `vm` is the caller; that it is the kernel of the management VM was checked before.
 *
 * Common errors: VMI_ENOENT: no such VM, guest or task; VMI_EFAULT: the caller may not write where the answer goes;
 * VMI_EPERM: would take away the management VM itself; VMI_ESTATE: not in the present state of the VM.
 */
#ifndef CORE_MANAGE_H
#define CORE_MANAGE_H

#include "core/vm.h"

#define MANAGE_GUEST_CONFIGURED 0xffffffffu /* VMI_VM_CREATE: the guest that the system's description names */
#define MANAGE_LOG_MAX 256u                 /* bytes that one VMI_VM_LOG copies at most */

__attribute__((cold)) int32_t manage_vm_info(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_guest_info(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_task_info(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_vm_create(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_vm_start(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_vm_stop(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_vm_pause(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_vm_resume(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_vm_destroy(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_vm_checkpoint(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_vm_rollback(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_vm_take_over(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_fault_read(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_policy_read(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_policy_set(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_black_box(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_vm_log(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_vm_words(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_watch(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t manage_halt(struct vm *vm, struct context *frame);

#endif
