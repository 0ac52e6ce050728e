/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/armv7/trace.h"

#ifdef TRACE_POINTS
extern struct trace_ring trace_ring;
struct trace_ring trace_ring = {.capacity = 1 << TRACE_CAPACITY_LOG2};
#endif
