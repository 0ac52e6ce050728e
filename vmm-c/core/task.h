/* SPDX-License-Identifier: Apache-2.0 */
/* Task calls of the VMI (R7, R37): arguments and results as in docs/vmi.md. */
#ifndef CORE_TASK_H
#define CORE_TASK_H

#include "core/vm.h"

__attribute__((cold)) int32_t task_create(struct vm *vm, struct context *frame);
int32_t task_delete(struct vm *vm, struct context *frame);
int32_t task_suspend(struct vm *vm, struct context *frame);
int32_t task_resume(struct vm *vm, struct context *frame);
__attribute__((cold)) int32_t task_priority(struct vm *vm, struct context *frame);
int32_t task_switch(struct vm *vm, struct context *frame);
int32_t task_result(struct vm *vm, struct context *frame);
int32_t task_return(struct vm *vm, struct context *frame);

/*
 * VMI_ACTION_TASK_RESTART: the memory of the task as in the image, its registers as VMI_TASK_CREATE set them; that is its
 * checkpoint now. What it holds in its kernel stays. thread: number in vm->threads. false: no task, none
 * that exists, or a VM rollback undid its last creation.
 */
bool task_restart(struct vm *vm, unsigned thread);

#endif
