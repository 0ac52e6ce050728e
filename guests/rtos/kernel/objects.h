/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must always hold of the kernel's own objects when no call is being served (VMI_OBJECT). The table is generated, since it
 * names the tasks: see tasks.c.j2.
 */
#ifndef OBJECTS_H
#define OBJECTS_H

#include "kernel.h"
#include "vmi.h"

#define OS_STAT_ALL (OS_STAT_SEM | OS_STAT_MBOX | OS_STAT_Q | OS_STAT_SUSPEND | OS_STAT_MUTEX | OS_STAT_FLAG)

/* One member of each of the first n elements of an array. */
#define OS_OBJECT_MEMBERS(kind_, n, array, type, member, low, high) \
  {.address = (uint32_t)&(array)[0] + offsetof(type, member),       \
   .kind = VMI_OBJECT_##kind_,                                      \
   .width = sizeof(((type *)0)->member),                            \
   .count = (n),                                                    \
   .stride = sizeof(type),                                          \
   .min = (uint32_t)(low),                                          \
   .max = (uint32_t)(high)}

#define OS_OBJECT_WORD(kind_, word, low, high) \
  {.address = (uint32_t)&(word),               \
   .kind = VMI_OBJECT_##kind_,                 \
   .width = sizeof(word),                      \
   .count = 1,                                 \
   .min = (uint32_t)(low),                     \
   .max = (uint32_t)(high)}

/* Delay list, current task, and the control blocks of the tasks. */
#define OS_KERNEL_OBJECTS(tasks)                                                                                       \
  {.address = (uint32_t)&os_delay_head,                                                                                \
   .kind = VMI_OBJECT_LIST,                                                                                            \
   .width = 4,                                                                                                         \
   .count = (tasks),                                                                                                   \
   .min = (uint32_t)&os_tasks[0],                                                                                      \
   .max = (uint32_t)&os_tasks[(tasks) - 1],                                                                            \
   .next = offsetof(struct os_task, delay_next),                                                                       \
   .previous = offsetof(struct os_task, delay_prev)},                                                                  \
      OS_OBJECT_WORD(POINTER, os_current, &os_tasks[0], &os_tasks[(tasks) - 1]),                                       \
      OS_OBJECT_WORD(RANGE, OSTaskCtr, 0, tasks),                                                                      \
      OS_OBJECT_MEMBERS(POINTER, tasks, os_tasks, struct os_task, delay_prev, &os_tasks[0], &os_tasks[(tasks) - 1]),   \
      OS_OBJECT_MEMBERS(POINTER, tasks, os_tasks, struct os_task, event, &os_events[0],                                \
                        &os_events[OS_MAX_EVENTS - 1]),                                                                \
      OS_OBJECT_MEMBERS(POINTER, tasks, os_tasks, struct os_task, held, &os_events[0], &os_events[OS_MAX_EVENTS - 1]), \
      OS_OBJECT_MEMBERS(RANGE, tasks, os_tasks, struct os_task, prio, 0, OS_LOWEST_PRIO),                              \
      OS_OBJECT_MEMBERS(RANGE, tasks, os_tasks, struct os_task, stat, 0, OS_STAT_ALL)

/* The lowest word of a stack, which nothing has ever been put into. */
#define OS_STACK_OBJECT(base) OS_OBJECT_WORD(RANGE, (base)[0], 0, 0)

#endif
