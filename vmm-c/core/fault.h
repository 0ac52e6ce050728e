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
 * The checkpoint of a thread, or with KERNEL_THREAD of the VM, is damaged: what, of class BACKUP. So the recovery that needed it
 * is not possible; `mildest` is the next more severe one. Another one is chosen and done.
 */
__attribute__((cold)) void fault_backup(struct vm *vm, unsigned thread, enum vmi_action mildest,
                                        const struct vmi_fault *what);

/* Only tell of it: a record without an action, of a VM that need not exist. */
void fault_note(struct vm *vm, const struct vmi_fault *what);

/*
 * The same as fault_event in the middle of a call, whose caller's registers are in use until the VMM is done with it: it is raised before any
 * guest runs again. Only the first of several in one call counts.
 */
void fault_later(struct vm *vm, uint32_t task, const struct vmi_fault *what);

/* What fault_later, or an asynchronous abort in the VMM, left to be raised: the scheduler calls it (fault_waiting). */
void fault_raise(void);

/*
 * Entry from ABT mode: a data abort was taken in the VMM. false: by what it did. true: it was asynchronous, from what was done
 * before; that is left to be raised against the VM that ran last, and the VMM goes on.
 */
bool fault_in_vmm(uint32_t dfsr);

/*
 * Roll back on request of the console: `task`, or the whole VM for VMI_TASK_KERNEL.
 * VMI_OK; VMI_ENOENT: no such task; VMI_ESTATE: no checkpoint, or the VM does not exist.
 */
__attribute__((cold)) int32_t fault_request_rollback(struct vm *vm, uint32_t task);

/* Let the standby of `vm` take its place, on request of the console. VMI_OK; VMI_ESTATE: no standby, or it has no duplicate. */
int32_t fault_request_take_over(struct vm *vm);

/* At a start of the VMM: records before `sequence` are told already. */
void fault_report_from(uint32_t sequence);

/* Print one fault that has not been told yet; false if there is none. Not on the way of a recovery: printing is slow. */
__attribute__((cold)) bool fault_report(void);

#endif
