/* SPDX-License-Identifier: Apache-2.0 */
/* The table of calls, and the calls that belong to no object. */
#include "handlers.h"

const os_handler os_handlers[OS_CALL_COUNT] = {
    [OS_CALL_VERSION] = os_version,
    [OS_CALL_TIME_GET] = os_time_get,
    [OS_CALL_TASK_QUERY] = os_task_query,
    [OS_CALL_EVENT_QUERY] = os_event_query,
    [OS_CALL_FLAG_QUERY] = os_flag_query,
    [OS_CALL_TIME_SET] = os_time_set,
    [OS_CALL_TIME_DLY] = os_time_dly,
    [OS_CALL_TIME_DLY_RESUME] = os_time_dly_resume,
    [OS_CALL_SCHED_LOCK] = os_sched_lock,
    [OS_CALL_SCHED_UNLOCK] = os_sched_unlock,
    [OS_CALL_TASK_CREATE] = os_task_create_call,
    [OS_CALL_TASK_CREATE_EXT] = os_task_create_ext,
    [OS_CALL_TASK_DEL] = os_task_del,
    [OS_CALL_TASK_SUSPEND] = os_task_suspend,
    [OS_CALL_TASK_RESUME] = os_task_resume,
    [OS_CALL_TASK_CHANGE_PRIO] = os_task_change_prio,
    [OS_CALL_EVENT_DEL] = os_event_del,
    [OS_CALL_SEM_CREATE] = os_sem_create,
    [OS_CALL_SEM_PEND] = os_sem_pend,
    [OS_CALL_SEM_POST] = os_sem_post,
    [OS_CALL_SEM_ACCEPT] = os_sem_accept,
    [OS_CALL_MUTEX_CREATE] = os_mutex_create,
    [OS_CALL_MUTEX_PEND] = os_mutex_pend,
    [OS_CALL_MUTEX_POST] = os_mutex_post,
    [OS_CALL_MUTEX_ACCEPT] = os_mutex_accept,
    [OS_CALL_MBOX_CREATE] = os_mbox_create,
    [OS_CALL_MBOX_PEND] = os_mbox_pend,
    [OS_CALL_MBOX_POST] = os_mbox_post,
    [OS_CALL_MBOX_ACCEPT] = os_mbox_accept,
    [OS_CALL_Q_CREATE] = os_q_create,
    [OS_CALL_Q_PEND] = os_q_pend,
    [OS_CALL_Q_POST] = os_q_post,
    [OS_CALL_Q_ACCEPT] = os_q_accept,
    [OS_CALL_Q_FLUSH] = os_q_flush,
    [OS_CALL_FLAG_CREATE] = os_flag_create,
    [OS_CALL_FLAG_PEND] = os_flag_pend,
    [OS_CALL_FLAG_POST] = os_flag_post,
    [OS_CALL_FLAG_ACCEPT] = os_flag_accept,
    [OS_CALL_APP] = os_app_call,
    [OS_CALL_SAFE_POINT] = os_safe_point,
};

os_result os_version(const INT32U *a) {
  (void)a;
  return os_ok(OS_VERSION);
}

os_result os_sched_lock(const INT32U *a) {
  (void)a;
  if (OSLockNesting < UINT8_MAX) {
    OSLockNesting++;
  }
  return os_ok(0);
}

os_result os_sched_unlock(const INT32U *a) {
  (void)a;
  if (OSLockNesting > 0) {
    OSLockNesting--;
  }
  return os_ok(0);
}

/* The state that is saved is the one in the middle of this call: its result is still to be delivered, then as now. */
os_result os_safe_point(const INT32U *a) {
  (void)a;
  port_safe_point();
  return os_ok(0);
}

os_result os_app_call(const INT32U *a) {
  return os_ok(OSAppCallHook(a[0], a[1]));
}
