/* SPDX-License-Identifier: Apache-2.0 */
/* One experiment: faults applied at their times, the state compared with the golden run, and the report. */
#ifndef EXPERIMENT_H
#define EXPERIMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

#define REPORT_MAX (4u << 20) /* bytes */

/* What is the same for all experiments. */
struct plan {
  struct setup setup;
  const struct range *ranges;
  const struct range *devices;
  const uint64_t *syncs;
  uint32_t stop; /* address of the loop in which the VMM stops the system; 0: there is none */
};

extern struct plan plan;
extern void (*experiment_paused)(void); /* is called when it pauses, see RUN_PAUSE */
extern bool compare_all_pages; /* not only those that this process or the golden run wrote */

/* Share the states of the golden run, a file with place for all syncs. false: it can't be opened or mapped. */
bool golden_open(const char *path);

/* Once, before anything else here. false: no memory. */
bool experiment_open(void);

/* Once, when QEMU's clock exists. */
void experiment_timers(void);

/*
 * Say what the next experiment is. `report` has place for REPORT_MAX bytes; when the experiment ends, `finished` is
 * called with what it has. The machine then stands, until that function returns. false: too many faults.
 */
bool experiment_prepare(const struct run *run, const struct fault *faults, uint8_t *report,
                        void (*finished)(size_t size));

/* Begin it now. On the thread of the CPU, or while it stands. */
void experiment_begin(void);

/* What a signal handler writes: that the experiment was ended. */
size_t experiment_ended(uint8_t *report, enum end_kind end, uint32_t status);

#endif
