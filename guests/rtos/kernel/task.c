/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks: creation, deletion, suspension, priorities. A task is named by its own priority, as in MicroC/OS-II. */
#include "handlers.h"
#include "task_create.h"
#include "task_table.h"

struct os_task os_tasks[OS_MAX_TASKS];
struct os_task *os_prio_table[OS_LOWEST_PRIO + 1];
struct os_task os_prio_reserved;
INT8U OSTaskCtr;

/* The task with this priority (OS_PRIO_SELF: the caller), or NULL. */
struct os_task *os_task_find(INT32U prio) {
  struct os_task *task;

  if (prio == OS_PRIO_SELF) {
    return os_current;
  }
  task = prio <= OS_LOWEST_PRIO ? os_prio_table[prio] : NULL;
  return task != &os_prio_reserved ? task : NULL;
}

static bool is_reserved(INT32U prio) {
  return prio <= OS_LOWEST_PRIO && os_prio_table[prio] == &os_prio_reserved;
}

static bool is_bad_priority(INT32U prio) {
  return prio > OS_LOWEST_PRIO && prio != OS_PRIO_SELF;
}

/* Makes a task ready unless something still holds it. */
void os_task_settle(struct os_task *task) {
  if (task->stat == OS_STAT_RDY && !task->delayed) {
    port_task_ready(os_slot(task));
  }
}

void os_task_set_priority(struct os_task *task, INT8U prio) {
  if (task->prio_now != prio) {
    task->prio_now = prio;
    port_task_priority(os_slot(task), prio);
  }
}

/* The end address of a task's stack, or an address the creator chose within it; 0 when it chose badly. */
static INT32U stack_of(INT32U slot, INT32U wanted) {
  INT32U bottom = (INT32U)os_task_table[slot].stack_base;
  INT32U top = (INT32U)os_task_table[slot].stack_top;

  if (wanted == 0) {
    return top;
  }
  wanted &= ~7u; /* AAPCS 6.2.1.2: stacks are 8-aligned at a public interface */
  return wanted > bottom && wanted <= top ? wanted : 0;
}

INT8U os_task_create(INT32U entry, INT32U argument, INT32U stack, INT32U prio) {
  INT32U slot = port_task_slot(entry);

  if (prio > OS_LOWEST_PRIO) {
    return OS_ERR_PRIO_INVALID;
  }
  if (os_prio_table[prio] != NULL) {
    return OS_ERR_PRIO_EXIST;
  }
  if (slot >= OS_MAX_TASKS || slot >= os_task_count || os_tasks[slot].exists) {
    return OS_ERR_TASK_NO_MORE_TCB;
  }
  stack = stack_of(slot, stack);
  if (stack == 0 || !port_task_create(slot, entry, stack, argument, prio)) {
    return OS_ERR_PDATA_NULL;
  }
  os_tasks[slot] = (struct os_task){.exists = true, .prio = (INT8U)prio, .prio_now = (INT8U)prio};
  os_prio_table[prio] = &os_tasks[slot];
  OSTaskCtr++;
  port_task_ready(slot);
  return OS_ERR_NONE;
}

/* a0: function, a1: argument, a2: stack, a3: priority */
os_result os_task_create_call(const INT32U *a) {
  return os_error(os_task_create(a[0], a[1], a[2], a[3]));
}

/* a0: struct os_create_ext in the caller's stack */
os_result os_task_create_ext(const INT32U *a) {
  const struct os_create_ext *request = os_caller_buffer(a[0], sizeof(*request));
  INT8U error;

  if (request == NULL) {
    return os_error(OS_ERR_PDATA_NULL);
  }
  error = os_task_create(request->entry, request->argument, request->stack, request->prio);
  if (error == OS_ERR_NONE) {
    struct os_task *task = os_prio_table[request->prio];

    task->id = request->id;
    task->options = request->options;
    task->extension = request->extension;
  }
  return os_error(error);
}

/* a0: priority */
os_result os_task_del(const INT32U *a) {
  struct os_task *task = os_task_find(a[0]);

  if (is_bad_priority(a[0])) {
    return os_error(OS_ERR_PRIO_INVALID);
  }
  if (task == NULL) {
    return os_error(is_reserved(a[0]) ? OS_ERR_TASK_DEL : OS_ERR_TASK_NOT_EXIST);
  }
  if (task == os_current && OSLockNesting != 0) {
    return os_error(OS_ERR_SCHED_LOCKED);
  }
  os_event_leave(task);
  os_delay_remove(task);
  os_mutex_release_all(task);
  port_task_delete(os_slot(task));
  os_prio_table[task->prio] = NULL;
  task->exists = false;
  OSTaskCtr--;
  return task == os_current ? OS_BLOCKED : os_error(OS_ERR_NONE);
}

/* a0: priority */
os_result os_task_suspend(const INT32U *a) {
  struct os_task *task = os_task_find(a[0]);

  if (is_bad_priority(a[0])) {
    return os_error(OS_ERR_PRIO_INVALID);
  }
  if (task == NULL) {
    return os_error(is_reserved(a[0]) ? OS_ERR_TASK_NOT_EXIST : OS_ERR_TASK_SUSPEND_PRIO);
  }
  if (task == os_current && OSLockNesting != 0) {
    return os_error(OS_ERR_SCHED_LOCKED);
  }
  task->stat |= OS_STAT_SUSPEND;
  port_task_unready(os_slot(task));
  if (task == os_current) {
    port_task_result(os_slot(task), 0, OS_ERR_NONE);
    return OS_BLOCKED;
  }
  return os_error(OS_ERR_NONE);
}

/* a0: priority */
os_result os_task_resume(const INT32U *a) {
  struct os_task *task = os_task_find(a[0]);

  if (a[0] > OS_LOWEST_PRIO) {
    return os_error(OS_ERR_PRIO_INVALID);
  }
  if (task == NULL) {
    return os_error(is_reserved(a[0]) ? OS_ERR_TASK_NOT_EXIST : OS_ERR_TASK_RESUME_PRIO);
  }
  if ((task->stat & OS_STAT_SUSPEND) == 0) {
    return os_error(OS_ERR_TASK_NOT_SUSPENDED);
  }
  task->stat &= (INT8U)~OS_STAT_SUSPEND;
  os_task_settle(task);
  return os_error(OS_ERR_NONE);
}

/* a0: old priority, a1: new one */
os_result os_task_change_prio(const INT32U *a) {
  struct os_task *task = os_task_find(a[0]);

  if (is_bad_priority(a[0]) || a[1] > OS_LOWEST_PRIO) {
    return os_error(OS_ERR_PRIO_INVALID);
  }
  if (os_prio_table[a[1]] != NULL) {
    return os_error(OS_ERR_PRIO_EXIST);
  }
  if (task == NULL) {
    return os_error(is_reserved(a[0]) ? OS_ERR_TASK_NOT_EXIST : OS_ERR_PRIO);
  }
  os_prio_table[task->prio] = NULL;
  os_prio_table[a[1]] = task;
  task->prio = (INT8U)a[1];
  os_mutex_restore(task);
  return os_error(OS_ERR_NONE);
}
