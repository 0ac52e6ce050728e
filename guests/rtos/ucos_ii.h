/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MicroC/OS-II programming interface, for tasks.
 *
 * What differs from a kernel that shares its memory with its tasks:
 * - OS_EVENT and OS_FLAG_GRP are opaque. Handles are checked at every call; a wrong one gives an error code.
 * - A task runs in the window its function was linked into, on the stack the builder placed there. The `ptos` of
 *   OSTaskCreate may be a null pointer (= the end of that stack) or an address within it.
 * - A queue keeps its entries in the kernel: the `start` of OSQCreate is not used, `size` is at most OS_Q_SIZE_MAX.
 * - No task runs in an interrupt, so the ..._ISR error codes never occur. No idle task: all 64 priorities are free.
 * - A null `perr` makes a call return at once, without an effect.
 * - OSTaskDel hands the mutexes of the deleted task over to their next waiters.
 */
#ifndef UCOS_II_H
#define UCOS_II_H

#include "os_cfg.h"
#include "os_cpu.h"
#include "os_err.h"

#define OS_VERSION 292u /* level of the programming interface, times 100 */

#define OS_FALSE 0u
#define OS_TRUE 1u

#define OS_PRIO_SELF 0xffu
#define OS_PRIO_MUTEX_CEIL_DIS 0xffu /* OSMutexCreate: no priority promotion */

#define OS_DEL_NO_PEND 0u
#define OS_DEL_ALWAYS 1u

#define OS_POST_OPT_NONE 0x00u
#define OS_POST_OPT_BROADCAST 0x01u
#define OS_POST_OPT_FRONT 0x02u
#define OS_POST_OPT_NO_SCHED 0x04u

#define OS_FLAG_WAIT_CLR_ALL 0u
#define OS_FLAG_WAIT_CLR_ANY 1u
#define OS_FLAG_WAIT_SET_ALL 2u
#define OS_FLAG_WAIT_SET_ANY 3u
#define OS_FLAG_CONSUME 0x80u
#define OS_FLAG_CLR 0u
#define OS_FLAG_SET 1u

#define OS_TASK_OPT_NONE 0x0000u
#define OS_TASK_OPT_STK_CHK 0x0001u /* accepted; the guard page under each stack checks always */
#define OS_TASK_OPT_STK_CLR 0x0002u
#define OS_TASK_OPT_SAVE_FP 0x0004u /* accepted; VFP registers are always saved */

/* OSTCBStat */
#define OS_STAT_RDY 0x00u
#define OS_STAT_SEM 0x01u
#define OS_STAT_MBOX 0x02u
#define OS_STAT_Q 0x04u
#define OS_STAT_SUSPEND 0x08u
#define OS_STAT_MUTEX 0x10u
#define OS_STAT_FLAG 0x20u

typedef struct os_event OS_EVENT;
typedef struct os_flag_grp OS_FLAG_GRP;
typedef INT32U OS_FLAGS;
typedef INT8U OS_PRIO;

#define OS_EVENT_TBL_SIZE ((OS_LOWEST_PRIO) / 8u + 1u)

/* Waiting tasks, by priority p: bit p%8 of OSEventTbl[p/8]; bit n of OSEventGrp: OSEventTbl[n] is not empty. */
typedef struct os_sem_data {
  INT16U OSCnt;
  OS_PRIO OSEventTbl[OS_EVENT_TBL_SIZE];
  OS_PRIO OSEventGrp;
} OS_SEM_DATA;

typedef struct os_mutex_data {
  OS_PRIO OSEventTbl[OS_EVENT_TBL_SIZE];
  OS_PRIO OSEventGrp;
  BOOLEAN OSValue;    /* OS_TRUE: available */
  INT8U OSOwnerPrio;  /* own priority of the owner, OS_PRIO_SELF without one */
  INT8U OSMutexPIP;
} OS_MUTEX_DATA;

typedef struct os_mbox_data {
  void *OSMsg;
  OS_PRIO OSEventTbl[OS_EVENT_TBL_SIZE];
  OS_PRIO OSEventGrp;
} OS_MBOX_DATA;

typedef struct os_q_data {
  void *OSMsg; /* the next one to be taken */
  INT16U OSNMsgs;
  INT16U OSQSize;
  OS_PRIO OSEventTbl[OS_EVENT_TBL_SIZE];
  OS_PRIO OSEventGrp;
} OS_Q_DATA;

/* What OSTaskQuery tells. */
typedef struct os_tcb {
  OS_STK *OSTCBStkBottom;
  INT32U OSTCBStkSize; /* in entries */
  void *OSTCBExtPtr;
  OS_EVENT *OSTCBEventPtr; /* what it waits for */
  INT32U OSTCBDly;         /* ticks left, 0: no delay and no time-out */
  INT32U OSTCBCtxSwCtr;
  INT16U OSTCBOpt;
  INT16U OSTCBId;
  INT8U OSTCBStat;
  INT8U OSTCBPrio; /* at present; above its own while it holds a contended mutex */
} OS_TCB;

/*
 * The tick counter of the kernel, in kernel memory. Tasks read it with OSTimeGet; one that touches the
 * variable itself is stopped by the VMM. On the bare board nothing stops it.
 */
extern volatile INT32U OSTime;

/* Called by the start of the kernel, not by tasks. */
void OSInit(void);
void OSStart(void);

INT16U OSVersion(void);
void OSSchedLock(void);
void OSSchedUnlock(void);

INT8U OSTaskCreate(void (*task)(void *), void *p_arg, OS_STK *ptos, INT8U prio);
INT8U OSTaskCreateExt(void (*task)(void *), void *p_arg, OS_STK *ptos, INT8U prio, INT16U id, OS_STK *pbos,
                      INT32U stk_size, void *pext, INT16U opt);
INT8U OSTaskDel(INT8U prio);
INT8U OSTaskSuspend(INT8U prio);
INT8U OSTaskResume(INT8U prio);
INT8U OSTaskChangePrio(INT8U oldprio, INT8U newprio);
INT8U OSTaskQuery(INT8U prio, OS_TCB *p_task_data);

void OSTimeDly(INT32U ticks);
INT8U OSTimeDlyHMSM(INT8U hours, INT8U minutes, INT8U seconds, INT16U ms);
INT8U OSTimeDlyResume(INT8U prio);
INT32U OSTimeGet(void);
void OSTimeSet(INT32U ticks);

/* Time-outs are in ticks; 0 waits for ever. */
OS_EVENT *OSSemCreate(INT16U cnt);
void OSSemPend(OS_EVENT *pevent, INT32U timeout, INT8U *perr);
INT8U OSSemPost(OS_EVENT *pevent);
INT16U OSSemAccept(OS_EVENT *pevent);
OS_EVENT *OSSemDel(OS_EVENT *pevent, INT8U opt, INT8U *perr);
INT8U OSSemQuery(OS_EVENT *pevent, OS_SEM_DATA *p_sem_data);

OS_EVENT *OSMutexCreate(INT8U prio, INT8U *perr);
void OSMutexPend(OS_EVENT *pevent, INT32U timeout, INT8U *perr);
INT8U OSMutexPost(OS_EVENT *pevent);
BOOLEAN OSMutexAccept(OS_EVENT *pevent, INT8U *perr);
OS_EVENT *OSMutexDel(OS_EVENT *pevent, INT8U opt, INT8U *perr);
INT8U OSMutexQuery(OS_EVENT *pevent, OS_MUTEX_DATA *p_mutex_data);

OS_EVENT *OSMboxCreate(void *pmsg);
void *OSMboxPend(OS_EVENT *pevent, INT32U timeout, INT8U *perr);
INT8U OSMboxPost(OS_EVENT *pevent, void *pmsg);
INT8U OSMboxPostOpt(OS_EVENT *pevent, void *pmsg, INT8U opt);
void *OSMboxAccept(OS_EVENT *pevent);
OS_EVENT *OSMboxDel(OS_EVENT *pevent, INT8U opt, INT8U *perr);
INT8U OSMboxQuery(OS_EVENT *pevent, OS_MBOX_DATA *p_mbox_data);

OS_EVENT *OSQCreate(void **start, INT16U size);
void *OSQPend(OS_EVENT *pevent, INT32U timeout, INT8U *perr);
INT8U OSQPost(OS_EVENT *pevent, void *pmsg);
INT8U OSQPostFront(OS_EVENT *pevent, void *pmsg);
INT8U OSQPostOpt(OS_EVENT *pevent, void *pmsg, INT8U opt);
void *OSQAccept(OS_EVENT *pevent, INT8U *perr);
INT8U OSQFlush(OS_EVENT *pevent);
OS_EVENT *OSQDel(OS_EVENT *pevent, INT8U opt, INT8U *perr);
INT8U OSQQuery(OS_EVENT *pevent, OS_Q_DATA *p_q_data);

OS_FLAG_GRP *OSFlagCreate(OS_FLAGS flags, INT8U *perr);
OS_FLAGS OSFlagPend(OS_FLAG_GRP *pgrp, OS_FLAGS flags, INT8U wait_type, INT32U timeout, INT8U *perr);
OS_FLAGS OSFlagPost(OS_FLAG_GRP *pgrp, OS_FLAGS flags, INT8U opt, INT8U *perr);
OS_FLAGS OSFlagAccept(OS_FLAG_GRP *pgrp, OS_FLAGS flags, INT8U wait_type, INT8U *perr);
OS_FLAG_GRP *OSFlagDel(OS_FLAG_GRP *pgrp, INT8U opt, INT8U *perr);
OS_FLAGS OSFlagQuery(OS_FLAG_GRP *pgrp, INT8U *perr);

/*
 * Not of MicroC/OS-II: hand two words to OSAppCallHook, a function of the application in the kernel
 * (none: returns 0). The kernel side of an application may also define OSTimeTickHook.
 */
INT32U OSAppCall(INT32U function, INT32U argument);

/* Nor this: the state of all tasks and the kernel is a good one to come back to (docs/vmi.md, VMI_CHECKPOINT). */
void OSSafePoint(void);

/*
 * Not of MicroC/OS-II: the task cannot go on. The VMM treats it by its policy, normally by a rollback, and keeps `reason` and
 * the beginning of `text` (39 characters) for people. Returns only if the policy leaves the task alone.
 */
void OSAppPanic(INT32U reason, const char *text);

/* A task cannot mask interrupts; what it can keep away are the other tasks. */
#define OS_ENTER_CRITICAL() OSSchedLock()
#define OS_EXIT_CRITICAL() OSSchedUnlock()

#endif
