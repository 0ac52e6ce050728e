/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of the kernel. All tables are static: the kernel never allocates. */
#ifndef OS_CFG_H
#define OS_CFG_H

/*
 * OS tick rate. On the VMI the virtual timer must be a multiple of the VMM's tick: 10 ms is 10 of the usual 1 ms ticks.
 * Where the VMM's tick does not divide 10 ms the port rounds down to a multiple of it (port/vmi/port.c).
 */
#define OS_TICKS_PER_SEC 100u

#define OS_MAX_TASKS 13u   /* task windows of a VM (VMI_TASK_MAX) */
#define OS_MAX_EVENTS 32u  /* semaphores + mutexes + mailboxes + queues + flag groups */
#define OS_MAX_QS 4u       /* of them queues */
#define OS_Q_SIZE_MAX 64u  /* entries of the largest queue */
#define OS_LOWEST_PRIO 63u /* the least urgent; there is no idle task, so it is free for use */

#endif
