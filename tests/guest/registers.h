/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every register gets a distinct value, an event happens, every register is read back. Used by kernel and task sides,
 * from C and from assembly (registers.S).
 */
#ifndef REGISTERS_H
#define REGISTERS_H

#define REGISTERS_LR 52
#define REGISTERS_SP 56
#define REGISTERS_FLAGS 60
#define REGISTERS_THREAD_ID 64
#define REGISTERS_FPSCR 68
#define REGISTERS_D 72
#define REGISTERS_SIZE 328

/* struct run; sp points at `out` during the event, and what lies above it is reached from there. */
#define RUN_BELOW 1024
#define RUN_SAVED_SP REGISTERS_SIZE
#define RUN_EVENT (REGISTERS_SIZE + 4)
#define RUN_CELL (REGISTERS_SIZE + 8)
#define RUN_SCRATCH (REGISTERS_SIZE + 12)

#define FLAGS_MASK 0xf80f0220 /* N Z C V Q, GE, and E and T, which an event must leave clear */
#define FLAGS_SETTABLE 0xf80f0000
#define FPSCR_SETTABLE 0xffc0009f /* no vectors (LEN, STRIDE), no trap enables: not on a Cortex-A9 */

#ifndef __ASSEMBLER__
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report.h"

struct registers {
  uint32_t r[13];
  uint32_t lr;
  uint32_t sp;
  uint32_t flags;
  uint32_t thread_id; /* TPIDRURW */
  uint32_t fpscr;
  uint64_t d[32];
};

struct run {
  uint8_t below[RUN_BELOW]; /* stack of an interrupt that is taken in the kernel during the event */
  struct registers out;
  uint32_t saved_sp;
  uint32_t event;
  uint32_t cell;    /* where a spinning event goes on: its own start, until somebody writes `exit` here */
  uint32_t scratch; /* r5, stored after the event */
  uint32_t exit;
} __attribute__((aligned(8)));

_Static_assert(offsetof(struct registers, lr) == REGISTERS_LR, "registers.S");
_Static_assert(offsetof(struct registers, d) == REGISTERS_D, "registers.S");
_Static_assert(sizeof(struct registers) == REGISTERS_SIZE, "registers.S");
_Static_assert(offsetof(struct run, out) == RUN_BELOW, "registers.S");
_Static_assert(offsetof(struct run, cell) == RUN_BELOW + RUN_CELL, "registers.S");
_Static_assert(offsetof(struct run, scratch) == RUN_BELOW + RUN_SCRATCH, "registers.S");

/* An event in one of the four ways to execute it. */
struct event {
  const char *name;
  const void *start;
  const void *exit; /* of a spinning event */
  bool big_endian;
};

#define WAYS 4 /* ARM and Thumb, little and big endian */
extern const struct event events_svc[WAYS];
extern const struct event events_spin[WAYS];

/*
 * A call that takes a checkpoint and returns r1 = bit 0 of info->recoveries at that time; then provoke() with everything
 * changed, until the rollback (seen by that bit) has brought back the registers after the call. r0 is lost. ARM only.
 */
extern const struct event event_checkpoint;

/* Loads *in, does the event, stores into run->out. Thread ID and VFP registers are not those of before afterwards. */
void registers_run(const struct registers *in, struct run *run);

/* New values for everything but sp. */
void registers_fill(struct registers *in, uint32_t *random);

/* Prepares run for the event. */
void run_prepare(struct run *run, const struct event *event);

/* Compares run->out with what was loaded; r0 and r1 only where `results` has no bit 0, bit 1. */
bool registers_same(struct report *report, const struct registers *in, const struct run *run, uint32_t results);

/* The word that a load in the event's endianness reads as `value`. */
uint32_t word_for(const struct event *event, uint32_t value);
#endif
#endif
