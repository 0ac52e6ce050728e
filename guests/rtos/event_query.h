/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells of any event; the stubs of the OS...Query functions pick what belongs to their kind. */
#ifndef EVENT_QUERY_H
#define EVENT_QUERY_H

#include "os_cfg.h"
#include "os_cpu.h"

/* Kinds of events: OS_CALL_EVENT_QUERY and OS_CALL_EVENT_DEL check that a handle is of the kind named. */
enum os_event_type { EVENT_FREE, EVENT_MBOX, EVENT_Q, EVENT_SEM, EVENT_MUTEX, EVENT_FLAG };

struct os_event_query {
  INT32U value;      /* count or message */
  INT16U q_messages;
  INT16U q_size;
  INT8U owner_prio;  /* OS_PRIO_SELF: no owner */
  INT8U ceiling;
  INT8U waiting_group;
  INT8U waiting[OS_LOWEST_PRIO / 8u + 1u];
};

#endif
