/* SPDX-License-Identifier: Apache-2.0 */
/* Without fault tolerance there is no checkpoint: a fault restarts the VM from its pristine image. */
#include "core/recovery.h"

const uint32_t recovery_frames = 1;

void recovery_reset(struct vm *vm) {
  (void)vm;
}

bool recovery_first_write(struct vm *vm, uint32_t va) {
  (void)vm;
  (void)va;
  return false;
}

struct context *recovery_edit_frame(struct vm *vm, struct thread *thread) {
  (void)vm;
  return thread_frame(thread);
}

struct context *recovery_edit_kernel(struct vm *vm) {
  return thread_frame(vm->kernel);
}

void recovery_task_created(struct vm *vm, unsigned task) {
  vm->vfp[task][0] = (struct vfp_context){0};
}

enum vmi_action recovery_level(const struct vm *vm, const struct thread *thread, uint8_t *reason) {
  (void)vm;
  (void)thread;
  *reason = VMI_REASON_UNPROTECTED;
  return VMI_ACTION_COLD_RESTART;
}

bool recovery_backup_is_sound(struct vm *vm, unsigned thread, enum vmi_action action, struct vmi_fault *what) {
  (void)vm;
  (void)thread;
  (void)action;
  (void)what;
  return true;
}

void recovery_rollback_task(struct vm *vm, unsigned task, struct vmi_fault *record) {
  (void)vm;
  (void)task;
  (void)record;
}

void recovery_rollback_vm(struct vm *vm, struct vmi_fault *record) {
  (void)vm;
  (void)record;
}

bool recovery_older_generation(struct vm *vm, struct vmi_fault *record) {
  (void)vm;
  (void)record;
  return false;
}

void recovery_promote(void) {
}

int32_t recovery_register_objects(struct vm *vm, uint32_t table, uint32_t count) {
  (void)vm;
  (void)table;
  (void)count;
  return VMI_ESTATE;
}

uint32_t recovery_validate_step(void) {
  return 0;
}

int32_t recovery_checkpoint(struct vm *vm) {
  (void)vm;
  return VMI_ESTATE;
}

void recovery_schedules_begin(struct vm *vm) {
  (void)vm;
}

int32_t recovery_safe_point(struct vm *vm) {
  (void)vm;
  return VMI_ESTATE;
}

bool recovery_complete(struct vm *vm) {
  (void)vm;
  return false;
}
