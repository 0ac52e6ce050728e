/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of the guest calls: r12 = VMI_GUEST_CALL + number at SVC #0, arguments in r0..r3, result in r0 and error
 * code in r1. Only constants, for C and assembly. The calls that never change the kernel come first, because the
 * image header describes them in a 32-bit mask (D6).
 */
#ifndef OS_CALLS_H
#define OS_CALLS_H

#define OS_CALL_VERSION 0
#define OS_CALL_TIME_GET 1
#define OS_CALL_TASK_QUERY 2
#define OS_CALL_EVENT_QUERY 3
#define OS_CALL_FLAG_QUERY 4
#define OS_CALL_PURE_COUNT 5
#define OS_CALL_PURE_MASK 0x1f

#define OS_CALL_TIME_SET 5
#define OS_CALL_TIME_DLY 6
#define OS_CALL_TIME_DLY_RESUME 7
#define OS_CALL_SCHED_LOCK 8
#define OS_CALL_SCHED_UNLOCK 9
#define OS_CALL_TASK_CREATE 10
#define OS_CALL_TASK_CREATE_EXT 11
#define OS_CALL_TASK_DEL 12
#define OS_CALL_TASK_SUSPEND 13
#define OS_CALL_TASK_RESUME 14
#define OS_CALL_TASK_CHANGE_PRIO 15
#define OS_CALL_EVENT_DEL 16
#define OS_CALL_SEM_CREATE 17
#define OS_CALL_SEM_PEND 18
#define OS_CALL_SEM_POST 19
#define OS_CALL_SEM_ACCEPT 20
#define OS_CALL_MUTEX_CREATE 21
#define OS_CALL_MUTEX_PEND 22
#define OS_CALL_MUTEX_POST 23
#define OS_CALL_MUTEX_ACCEPT 24
#define OS_CALL_MBOX_CREATE 25
#define OS_CALL_MBOX_PEND 26
#define OS_CALL_MBOX_POST 27
#define OS_CALL_MBOX_ACCEPT 28
#define OS_CALL_Q_CREATE 29
#define OS_CALL_Q_PEND 30
#define OS_CALL_Q_POST 31
#define OS_CALL_Q_ACCEPT 32
#define OS_CALL_Q_FLUSH 33
#define OS_CALL_FLAG_CREATE 34
#define OS_CALL_FLAG_PEND 35
#define OS_CALL_FLAG_POST 36
#define OS_CALL_FLAG_ACCEPT 37
#define OS_CALL_APP 38
#define OS_CALL_SAFE_POINT 39
#define OS_CALL_COUNT 40

#endif
