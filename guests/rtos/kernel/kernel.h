/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside of the kernel. It is event-driven: every entry runs to its end with interrupts masked and keeps nothing on the
 * stack, so there is nothing to lock here, and a checkpoint taken between two entries is complete.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "event_query.h"
#include "os_calls.h"
#include "port/port.h"
#include "ucos_ii.h"

struct os_task {
  struct os_task *delay_next; /* delay list, the next to wake first */
  struct os_task *delay_prev;
  INT32U delay;               /* ticks after the one before in the list */
  bool delayed;               /* is in the list */
  bool exists;
  INT8U stat;                 /* OS_STAT_...; 0: ready */
  INT8U prio;                 /* own priority, its name in calls */
  INT8U prio_now;             /* above it while the task holds a contended mutex */
  INT8U flag_wait;            /* OS_FLAG_WAIT_..., with OS_FLAG_CONSUME */
  INT16U id;
  INT16U options;
  OS_FLAGS flags;             /* waited for */
  struct os_event *event;     /* waited for */
  struct os_event *held;      /* list of mutexes it owns */
  INT32U extension;
  INT32U switches;
};

struct os_event {
  _Alignas(32) INT8U type; /* enum os_event_type. The size is a power of two: checking a handle needs no division */
  INT8U ceiling;           /* mutex: priority its owner is raised to */
  bool raised;             /* mutex: the owner was */
  INT16U waiters;          /* bit n: task slot n */
  INT32U value;            /* count, flags or message */
  struct os_task *owner;   /* mutex: NULL = available */
  struct os_event *held_next;
  struct os_queue *queue;
};

_Static_assert(sizeof(struct os_event) == 32, "handle check");

/* Result of a call: value in the low word (r0), error code in the high one (r1). */
typedef INT64U os_result;
#define OS_BLOCKED ((os_result)0x100 << 32) /* the caller does not run on now; its result comes later */
#define OS_STAY ((os_result)0x200 << 32)    /* with a result: the caller runs on whoever else is ready */

static inline os_result os_ok(INT32U value) {
  return value;
}

static inline os_result os_error(INT8U error) {
  return (os_result)error << 32;
}

static inline os_result os_value_error(INT32U value, INT8U error) {
  return os_error(error) | value;
}

extern struct os_task os_tasks[OS_MAX_TASKS];
extern struct os_task *os_delay_head;
extern struct os_event os_events[OS_MAX_EVENTS];
extern struct os_task *os_current;
extern INT8U OSLockNesting;
extern INT8U OSTaskCtr;

static inline INT32U os_slot(const struct os_task *task) {
  return (INT32U)(task - os_tasks);
}

/* task.c */
extern struct os_task *os_prio_table[OS_LOWEST_PRIO + 1];
extern struct os_task os_prio_reserved; /* marks the ceiling of a mutex in the table */
struct os_task *os_task_find(INT32U prio);
INT8U os_task_create(INT32U entry, INT32U argument, INT32U stack, INT32U prio);
void os_task_settle(struct os_task *task);
void os_task_set_priority(struct os_task *task, INT8U prio);

/* core.c: memory of the caller a result may be written to, or NULL */
void *os_caller_buffer(INT32U address, size_t size);

/* time.c */
void os_tick(void);
void os_delay_insert(struct os_task *task, INT32U ticks);
void os_delay_remove(struct os_task *task);
INT32U os_delay_left(const struct os_task *task);

/* event.c, wait.c */
struct os_event *os_event_create(enum os_event_type type);
struct os_event *os_event_find(INT32U handle, enum os_event_type type, INT8U *error);
struct os_task *os_event_best(const struct os_event *event);
os_result os_event_wait(struct os_event *event, INT8U stat, INT32U timeout);
void os_event_wake(struct os_task *task, INT32U value, INT8U error);
void os_event_leave(struct os_task *task);

/* mutex.c, queue.c, hooks.c */
void os_mutex_hand_over(struct os_event *mutex);
void os_mutex_restore(struct os_task *task);
void os_mutex_forget(struct os_event *mutex);
void os_mutex_release_all(struct os_task *task);
INT32U os_queue_first(const struct os_queue *queue);
INT16U os_queue_count(const struct os_queue *queue);
INT16U os_queue_size(const struct os_queue *queue);
void os_queue_free(struct os_queue *queue);

/* Of the application; weak functions that do nothing unless it defines them. */
void OSTimeTickHook(void);
INT32U OSAppCallHook(INT32U function, INT32U argument);

#endif
