/* SPDX-License-Identifier: Apache-2.0 */
/* The calls, one handler each; `a` holds the caller's r0..r3. */
#ifndef HANDLERS_H
#define HANDLERS_H

#include "kernel.h"

typedef os_result (*os_handler)(const INT32U *a);
extern const os_handler os_handlers[OS_CALL_COUNT];

os_result os_version(const INT32U *a);
os_result os_sched_lock(const INT32U *a);
os_result os_sched_unlock(const INT32U *a);
os_result os_app_call(const INT32U *a);
os_result os_safe_point(const INT32U *a);

os_result os_time_get(const INT32U *a);
os_result os_time_set(const INT32U *a);
os_result os_time_dly(const INT32U *a);
os_result os_time_dly_resume(const INT32U *a);

os_result os_task_create_call(const INT32U *a);
os_result os_task_create_ext(const INT32U *a);
os_result os_task_del(const INT32U *a);
os_result os_task_suspend(const INT32U *a);
os_result os_task_resume(const INT32U *a);
os_result os_task_change_prio(const INT32U *a);

os_result os_task_query(const INT32U *a);
os_result os_event_query(const INT32U *a);
os_result os_flag_query(const INT32U *a);
os_result os_event_del(const INT32U *a);

os_result os_sem_create(const INT32U *a);
os_result os_sem_pend(const INT32U *a);
os_result os_sem_post(const INT32U *a);
os_result os_sem_accept(const INT32U *a);

os_result os_mutex_create(const INT32U *a);
os_result os_mutex_pend(const INT32U *a);
os_result os_mutex_post(const INT32U *a);
os_result os_mutex_accept(const INT32U *a);

os_result os_mbox_create(const INT32U *a);
os_result os_mbox_pend(const INT32U *a);
os_result os_mbox_post(const INT32U *a);
os_result os_mbox_accept(const INT32U *a);

os_result os_q_create(const INT32U *a);
os_result os_q_pend(const INT32U *a);
os_result os_q_post(const INT32U *a);
os_result os_q_accept(const INT32U *a);
os_result os_q_flush(const INT32U *a);

os_result os_flag_create(const INT32U *a);
os_result os_flag_pend(const INT32U *a);
os_result os_flag_post(const INT32U *a);
os_result os_flag_accept(const INT32U *a);

#endif
