/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest says about itself, and what its refused calls say about it. Arguments and results as in docs/vmi.md. */
#ifndef CORE_GUEST_REPORT_H
#define CORE_GUEST_REPORT_H

#include "core/vm.h"

/* VMI_READY: the boot is complete. */
int32_t report_ready(struct vm *vm, struct context *frame);

/* VMI_PANIC: the caller gives up. Returns to it only if nothing is done about it. */
int32_t report_panic(struct vm *vm, struct context *frame);

/*
 * A call of the running thread was refused with `error`. Counted if that is a mistake of the caller (VMI_ENOCALL, VMI_EPERM,
 * VMI_EINVAL, VMI_EFAULT) and not an answer it must expect; with more than misuse_max of them within a second the thread is at fault (VMI_CLASS_MISUSE). Returns error.
 */
int32_t report_refused(struct vm *vm, const struct context *frame, int32_t error);

#endif
