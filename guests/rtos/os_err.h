/* SPDX-License-Identifier: Apache-2.0 */
/* Error codes, with the numeric values MicroC/OS-II programs rely on. */
#ifndef OS_ERR_H
#define OS_ERR_H

#define OS_ERR_NONE 0u
#define OS_ERR_EVENT_TYPE 1u /* also: not a handle of this kernel */
#define OS_ERR_PEND_ISR 2u
#define OS_ERR_POST_NULL_PTR 3u
#define OS_ERR_PEVENT_NULL 4u
#define OS_ERR_POST_ISR 5u
#define OS_ERR_QUERY_ISR 6u
#define OS_ERR_INVALID_OPT 7u
#define OS_ERR_ID_INVALID 8u
#define OS_ERR_PDATA_NULL 9u /* also: a pointer outside the task's stack */
#define OS_ERR_TIMEOUT 10u
#define OS_ERR_PEND_LOCKED 13u
#define OS_ERR_PEND_ABORT 14u
#define OS_ERR_DEL_ISR 15u
#define OS_ERR_CREATE_ISR 16u
#define OS_ERR_MBOX_FULL 20u
#define OS_ERR_Q_FULL 30u
#define OS_ERR_Q_EMPTY 31u
#define OS_ERR_PRIO_EXIST 40u
#define OS_ERR_PRIO 41u
#define OS_ERR_PRIO_INVALID 42u
#define OS_ERR_SCHED_LOCKED 50u
#define OS_ERR_SEM_OVF 51u
#define OS_ERR_TASK_CREATE_ISR 60u
#define OS_ERR_TASK_DEL 61u
#define OS_ERR_TASK_DEL_IDLE 62u
#define OS_ERR_TASK_DEL_REQ 63u
#define OS_ERR_TASK_DEL_ISR 64u
#define OS_ERR_TASK_NO_MORE_TCB 66u /* also: the window of the function already runs a task, or is none */
#define OS_ERR_TASK_NOT_EXIST 67u
#define OS_ERR_TASK_NOT_SUSPENDED 68u
#define OS_ERR_TASK_OPT 69u
#define OS_ERR_TASK_RESUME_PRIO 70u
#define OS_ERR_TASK_SUSPEND_IDLE 71u
#define OS_ERR_TASK_SUSPEND_PRIO 72u
#define OS_ERR_TASK_WAITING 73u
#define OS_ERR_TIME_NOT_DLY 80u
#define OS_ERR_TIME_INVALID_MINUTES 81u
#define OS_ERR_TIME_INVALID_SECONDS 82u
#define OS_ERR_TIME_INVALID_MS 83u
#define OS_ERR_TIME_ZERO_DLY 84u
#define OS_ERR_TIME_DLY_ISR 85u
#define OS_ERR_NOT_MUTEX_OWNER 100u
#define OS_ERR_FLAG_INVALID_PGRP 110u
#define OS_ERR_FLAG_WAIT_TYPE 111u
#define OS_ERR_FLAG_NOT_RDY 112u
#define OS_ERR_FLAG_INVALID_OPT 113u
#define OS_ERR_FLAG_GRP_DEPLETED 114u
#define OS_ERR_PIP_LOWER 120u
#define OS_ERR_PCP_LOWER OS_ERR_PIP_LOWER

/* Names of older programs. */
#define OS_NO_ERR OS_ERR_NONE
#define OS_TIMEOUT OS_ERR_TIMEOUT
#define OS_TASK_NOT_EXIST OS_ERR_TASK_NOT_EXIST
#define OS_MBOX_FULL OS_ERR_MBOX_FULL
#define OS_Q_FULL OS_ERR_Q_FULL
#define OS_Q_EMPTY OS_ERR_Q_EMPTY
#define OS_PRIO_EXIST OS_ERR_PRIO_EXIST
#define OS_PRIO_ERR OS_ERR_PRIO
#define OS_PRIO_INVALID OS_ERR_PRIO_INVALID
#define OS_SEM_OVF OS_ERR_SEM_OVF
#define OS_NO_MORE_TCB OS_ERR_TASK_NO_MORE_TCB

#endif
