/* SPDX-License-Identifier: Apache-2.0 */
/* The calls of guests (R4): docs/vmi.md has the list. */
#ifndef CORE_VMI_DISPATCH_H
#define CORE_VMI_DISPATCH_H

#include "core/vm.h"

/* Who may make a call. The fast path makes those of ANYBODY by itself, so ANYBODY must be 1 and NOBODY 0. */
enum vmi_caller {
  NOBODY,     /* no such call */
  ANYBODY,    /* guest kernels and tasks */
  KERNEL,     /* guest kernels */
  MANAGEMENT, /* the kernel of the management VM */
  YIELD,      /* anybody; has a fast path of its own */
};

struct vmi_call {
  /* r0 of the caller becomes its result. One of ANYBODY reports refusals itself (guest_report.h), or a good call would pay. */
  int32_t (*handler)(struct vm *vm, struct context *frame);
  uint32_t caller;                                          /* enum vmi_caller */
};

extern const struct vmi_call vmi_calls[VMI_CALL_COUNT];

/* Entry from a guest by SVC; frame: its registers. Then the entry code resumes scheduler.current. */
void vmi_dispatch(struct context *frame);

#endif
