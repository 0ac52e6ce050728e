/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks without an RTOS: started straight from the table that the image builder generates. */
#ifndef RAW_TASKS_H
#define RAW_TASKS_H

#include "lib/vmi_calls.h"
#include "rtos/task_table.h"

/* Creates task `id` with the entry, stack and priority of the TOML; it is suspended. */
static inline int32_t raw_task_create(uint32_t id) {
  const struct os_task_config *task = &os_task_table[id];
  int32_t result = vmi_task_create(id, task->entry, task->stack_top, task->arg);

  return result == VMI_OK ? vmi_task_priority(id, task->priority) : result;
}

static inline int32_t raw_task_start(uint32_t id) {
  int32_t result = raw_task_create(id);

  return result == VMI_OK ? vmi_task_resume(id) : result;
}

#endif
