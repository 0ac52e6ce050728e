/* SPDX-License-Identifier: Apache-2.0 */
/* Message queues. Their entries are kept here, because memory a task offers could vanish under the kernel. */
#include "handlers.h"

struct os_queue {
  bool used;
  INT16U size;
  INT16U count;
  INT16U head; /* index of the next message to be taken */
  INT32U entries[OS_Q_SIZE_MAX];
};

static struct os_queue queues[OS_MAX_QS];

static struct os_queue *queue_create(INT16U size) {
  for (INT32U i = 0; i < OS_MAX_QS; i++) {
    if (!queues[i].used) {
      queues[i].used = true;
      queues[i].size = size;
      queues[i].count = 0;
      queues[i].head = 0;
      return &queues[i];
    }
  }
  return NULL;
}

void os_queue_free(struct os_queue *queue) {
  queue->used = false;
}

INT32U os_queue_first(const struct os_queue *queue) {
  return queue->count != 0 ? queue->entries[queue->head] : 0;
}

INT16U os_queue_count(const struct os_queue *queue) {
  return queue->count;
}

INT16U os_queue_size(const struct os_queue *queue) {
  return queue->size;
}

static INT32U queue_take(struct os_queue *queue) {
  INT32U message = queue->entries[queue->head];

  queue->head = (INT16U)(queue->head + 1u == queue->size ? 0 : queue->head + 1u);
  queue->count--;
  return message;
}

static void queue_put(struct os_queue *queue, INT32U message, bool front) {
  INT32U index;

  if (front) {
    index = queue->head == 0 ? queue->size - 1u : queue->head - 1u;
    queue->head = (INT16U)index;
  } else {
    index = (INT32U)queue->head + queue->count;
    index -= index >= queue->size ? queue->size : 0;
  }
  queue->entries[index] = message;
  queue->count++;
}

/* a0: entries */
os_result os_q_create(const INT32U *a) {
  struct os_queue *queue;
  struct os_event *event;

  if (a[0] == 0 || a[0] > OS_Q_SIZE_MAX) {
    return os_ok(0);
  }
  event = os_event_create(EVENT_Q);
  if (event == NULL) {
    return os_ok(0);
  }
  queue = queue_create((INT16U)a[0]);
  if (queue == NULL) {
    event->type = EVENT_FREE;
    return os_ok(0);
  }
  event->queue = queue;
  return os_ok((INT32U)event);
}

/* a0: queue, a1: time-out */
os_result os_q_pend(const INT32U *a) {
  INT8U error;
  struct os_event *event = os_event_find(a[0], EVENT_Q, &error);

  if (event == NULL) {
    return os_error(error);
  }
  if (event->queue->count != 0) {
    return os_ok(queue_take(event->queue));
  }
  if (OSLockNesting != 0) {
    return os_error(OS_ERR_PEND_LOCKED);
  }
  return os_event_wait(event, OS_STAT_Q, a[1]);
}

/* a0: queue, a1: message, a2: OS_POST_OPT_... */
os_result os_q_post(const INT32U *a) {
  INT8U error;
  struct os_event *event = os_event_find(a[0], EVENT_Q, &error);
  bool all = (a[2] & OS_POST_OPT_BROADCAST) != 0;
  os_result stay = (a[2] & OS_POST_OPT_NO_SCHED) != 0 ? OS_STAY : os_error(OS_ERR_NONE);

  if (event == NULL) {
    return os_error(error);
  }
  if (event->waiters != 0) {
    do {
      os_event_wake(os_event_best(event), a[1], OS_ERR_NONE);
    } while (all && event->waiters != 0);
    return stay;
  }
  if (event->queue->count == event->queue->size) {
    return os_error(OS_ERR_Q_FULL);
  }
  queue_put(event->queue, a[1], (a[2] & OS_POST_OPT_FRONT) != 0);
  return os_error(OS_ERR_NONE);
}

/* a0: queue */
os_result os_q_accept(const INT32U *a) {
  INT8U error;
  struct os_event *event = os_event_find(a[0], EVENT_Q, &error);

  if (event == NULL) {
    return os_error(error);
  }
  if (event->queue->count == 0) {
    return os_error(OS_ERR_Q_EMPTY);
  }
  return os_ok(queue_take(event->queue));
}

/* a0: queue */
os_result os_q_flush(const INT32U *a) {
  INT8U error;
  struct os_event *event = os_event_find(a[0], EVENT_Q, &error);

  if (event != NULL) {
    event->queue->count = 0;
    event->queue->head = 0;
  }
  return os_error(error);
}
