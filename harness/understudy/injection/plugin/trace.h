/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine does, instruction by instruction: the fault space of a campaign is cut from it. */
#ifndef TRACE_H
#define TRACE_H

#include <stdint.h>

#include "qemu_plugin_api.h"

/* Before the machine runs: the file that traces are written to, and a word of RAM whose value stands in each step. */
void trace_to(const char *path, qemu_plugin_id_t plugin, uint32_t instruction_ns, uint64_t watched);

/* Trace from now, on the thread of the CPU, until this virtual time. */
void trace_begin(uint64_t until);

/* Write out what is traced so far. */
void trace_end(void);

#endif
