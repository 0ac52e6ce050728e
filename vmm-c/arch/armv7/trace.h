/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trace points (R41): symbols trace_NAME in the entry code, by which the laboratory splits a path. In an image built with
 * trace points each also records its own address and the global timer in trace_ring (trace.inc).
 */
#ifndef ARCH_TRACE_H
#define ARCH_TRACE_H

#define TRACE_CAPACITY_LOG2 12

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Record n of all that were made is at n % capacity; `next` counts on for ever. */
struct trace_ring {
  uint32_t next;
  uint32_t capacity;
  struct {
    uint32_t point; /* address of trace_NAME */
    uint32_t time;  /* low word of the global timer */
  } records[1 << TRACE_CAPACITY_LOG2];
};
#endif
#endif
