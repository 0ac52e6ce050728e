/* SPDX-License-Identifier: Apache-2.0 */
/* Where the fast paths (arch/armv7/exceptions.inc) find what, and the proof that the structures agree. */
#ifndef CORE_FAST_OFFSETS_H
#define CORE_FAST_OFFSETS_H

/* struct thread. UNSAVED, PARK, FRAME, IMPURE, TASK_SAVED follow each other. */
#define THREAD_UNSAVED 0
#define THREAD_PARK 4
#define THREAD_FRAME 8
#define THREAD_IMPURE 12
#define THREAD_TASK_SAVED 16
#define THREAD_DACR 24
#define THREAD_SHIFT 8 /* log2 of its size */

/* struct vm. SLICE_LEFT to THREAD follow each other. */
#define VM_STACK_TOP 0
#define VM_SLICE_LEFT 4
#define VM_SWITCHES 8
#define VM_THREAD_ID 12
#define VM_UNSAVED 16
#define VM_AFTER 20
#define VM_SLICE_TICKS 24
#define VM_THREAD 28
#define VM_VCPU 32
#define VM_TTBR0 36
#define VM_ASID 40
#define VM_KERNEL 44
#define VM_PURE_CALLS 48 /* follows KERNEL */
#define VM_OWNER 52
#define VM_TASK_SWITCHES 56
#define VM_TASKS_READY 64
#define VM_THREADS 2048

/* struct ready_table, from its word `ready` on */
#define READY_LEVELS 4
#define READY_LAST 12
#define READY_MASKS 16
#define VM_TASKS_EXISTS (VM_TASKS_READY + 160)

/* struct scheduler. CURRENT to LEVEL follow each other. */
#define SCHEDULER_CURRENT 0
#define SCHEDULER_EVENT 4
#define SCHEDULER_TICK_CLEAR 8
#define SCHEDULER_LEVEL 12
#define SCHEDULER_CHANGED 16
#define SCHEDULER_VMS 32

/* struct vmi_call: handler, caller */
#define CALL_SHIFT 3
#define CALL_ANYBODY 1
#define CALL_YIELD 4

#ifndef __ASSEMBLER__
#include <stddef.h>

#include "core/vm.h"
#include "core/vmi_dispatch.h"

_Static_assert(ANYBODY == CALL_ANYBODY && YIELD == CALL_YIELD, "enum vmi_caller");

/* Pointers of another size, in tests on a host, have other offsets, and there is no assembly. */
#ifdef __arm__
#define FAST_OFFSET(type, member, value) _Static_assert(offsetof(struct type, member) == (value), #type "." #member)
FAST_OFFSET(thread, unsaved, THREAD_UNSAVED);
FAST_OFFSET(thread, park, THREAD_PARK);
FAST_OFFSET(thread, frame, THREAD_FRAME);
FAST_OFFSET(thread, impure, THREAD_IMPURE);
FAST_OFFSET(thread, task_saved, THREAD_TASK_SAVED);
FAST_OFFSET(thread, dacr, THREAD_DACR);
_Static_assert(sizeof(struct thread) == 1 << THREAD_SHIFT, "size of struct thread");
FAST_OFFSET(vm, stack_top, VM_STACK_TOP);
FAST_OFFSET(vm, slice_left, VM_SLICE_LEFT);
FAST_OFFSET(vm, switches, VM_SWITCHES);
FAST_OFFSET(vm, thread_id, VM_THREAD_ID);
FAST_OFFSET(vm, unsaved, VM_UNSAVED);
FAST_OFFSET(vm, after, VM_AFTER);
FAST_OFFSET(vm, slice_ticks, VM_SLICE_TICKS);
FAST_OFFSET(vm, thread, VM_THREAD);
FAST_OFFSET(vm, vcpu, VM_VCPU);
FAST_OFFSET(vm, ttbr0, VM_TTBR0);
FAST_OFFSET(vm, asid, VM_ASID);
FAST_OFFSET(vm, kernel, VM_KERNEL);
FAST_OFFSET(vm, owner, VM_OWNER);
FAST_OFFSET(vm, pure_calls, VM_PURE_CALLS);
FAST_OFFSET(vm, task_switches, VM_TASK_SWITCHES);
FAST_OFFSET(vm, threads, VM_THREADS);
FAST_OFFSET(vm, tasks.ready, VM_TASKS_READY);
FAST_OFFSET(vm, tasks.exists, VM_TASKS_EXISTS);
FAST_OFFSET(ready_table, levels, READY_LEVELS);
FAST_OFFSET(ready_table, last, READY_LAST);
FAST_OFFSET(ready_table, members, READY_MASKS);
FAST_OFFSET(scheduler, current, SCHEDULER_CURRENT);
FAST_OFFSET(scheduler, event, SCHEDULER_EVENT);
FAST_OFFSET(scheduler, tick_clear, SCHEDULER_TICK_CLEAR);
FAST_OFFSET(scheduler, level, SCHEDULER_LEVEL);
FAST_OFFSET(scheduler, changed, SCHEDULER_CHANGED);
FAST_OFFSET(scheduler, vms, SCHEDULER_VMS);
_Static_assert(sizeof(struct vmi_call) == 1 << CALL_SHIFT, "size of struct vmi_call");
_Static_assert(SCHEDULER_VMS / 4 == 31 - SCHEDULER_FIRST, "leading zeros of a VM's bit are its index");
#endif
#endif
#endif
