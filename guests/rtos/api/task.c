/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"
#include "task_create.h"

INT8U OSTaskCreate(void (*task)(void *), void *p_arg, OS_STK *ptos, INT8U prio) {
  return os_call_error(OS_CALL_TASK_CREATE, (INT32U)task, address(p_arg), address(ptos), prio);
}

/* The size of a stack is the builder's: pbos and stk_size have nothing to say. */
INT8U OSTaskCreateExt(void (*task)(void *), void *p_arg, OS_STK *ptos, INT8U prio, INT16U id, OS_STK *pbos,
                      INT32U stk_size, void *pext, INT16U opt) {
  struct os_create_ext request = {
      .entry = (INT32U)task,
      .argument = address(p_arg),
      .stack = address(ptos),
      .prio = prio,
      .extension = address(pext),
      .id = id,
      .options = opt,
  };

  (void)pbos;
  (void)stk_size;
  return os_call_error(OS_CALL_TASK_CREATE_EXT, address(&request), 0, 0, 0);
}

INT8U OSTaskDel(INT8U prio) {
  return os_call_error(OS_CALL_TASK_DEL, prio, 0, 0, 0);
}

INT8U OSTaskSuspend(INT8U prio) {
  return os_call_error(OS_CALL_TASK_SUSPEND, prio, 0, 0, 0);
}

INT8U OSTaskResume(INT8U prio) {
  return os_call_error(OS_CALL_TASK_RESUME, prio, 0, 0, 0);
}

INT8U OSTaskChangePrio(INT8U oldprio, INT8U newprio) {
  return os_call_error(OS_CALL_TASK_CHANGE_PRIO, oldprio, newprio, 0, 0);
}

INT8U OSTaskQuery(INT8U prio, OS_TCB *p_task_data) {
  OS_TCB data = {0}; /* the kernel writes only to the stack of its caller */
  INT8U error;

  if (p_task_data == NULL) {
    return OS_ERR_PDATA_NULL;
  }
  error = os_call_error(OS_CALL_TASK_QUERY, prio, address(&data), 0, 0);
  if (error == OS_ERR_NONE) {
    *p_task_data = data;
  }
  return error;
}
