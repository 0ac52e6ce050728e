/* SPDX-License-Identifier: Apache-2.0 */
/* What happens when a guest faults: classify, decide, recover, log (R25..R33, D1, D2, D5). */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

#include "core/vm.h"

/* Exception entries from USR mode. frame: registers of who executed. Then the entry code resumes scheduler.current. */
void fault_data(struct context *frame);
void fault_prefetch(struct context *frame);
void fault_undefined(struct context *frame);

/*
 * Something that no exception tells of: a detector found it in VM `vm`, at `task` or VMI_TASK_KERNEL, which need not run.
 * what: kind, class, address (what is wrong there) and status (a number that explains it, by class) are used. The record is
 * logged and the VM treated by its policy. Not on the way of a recovery; then sched_resume chooses who runs.
 */
void fault_event(struct vm *vm, uint32_t task, const struct vmi_fault *what);

/*
 * Roll back on request of the console: `task`, or the whole VM for VMI_TASK_KERNEL.
 * VMI_OK; VMI_ENOENT: no such task; VMI_ESTATE: no checkpoint, or the VM does not exist.
 */
int32_t fault_request_rollback(struct vm *vm, uint32_t task);

/* At a start of the VMM: records before `sequence` are told already. */
void fault_report_from(uint32_t sequence);

/* Print one fault that has not been told yet; false if there is none. Not on the way of a recovery: printing is slow. */
bool fault_report(void);

#endif
