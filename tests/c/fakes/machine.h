/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A simulated ARMv7 CPU for host-built tests of the VMM: what a guest may access is decided by the tables and DACR that
 * the VMM has set up, and by a TLB that keeps every entry until the VMM invalidates it (ARM ARM B3.9).
 * The worst a real TLB may do is assumed: it fetches every mapped page again at once.
 */
#ifndef FAKES_MACHINE_H
#define FAKES_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/armv7/context.h"

struct cpu {
  struct context guest; /* r0..r14, pc, cpsr of USR mode */
  uint32_t dacr;
  uint32_t ttbr0;
  uint32_t contextidr;
  uint32_t dfsr;
  uint32_t dfar;
  uint32_t ifsr;
  uint32_t ifar;
  uint32_t tpidrurw;
  bool vfp_on; /* FPEXC.EN */
  struct vfp_context vfp;
};

extern struct cpu cpu;

/* Ends the test, with the seed and the place in the sequence. */
_Noreturn void test_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define CHECK(condition, ...)   \
  do {                          \
    if (!(condition)) {         \
      test_failed(__VA_ARGS__); \
    }                           \
  } while (0)

/* Calls of page_copy and words_copy so far. */
extern unsigned machine_copies;

/* Memory below 4 GiB, `bytes` long and 1 MiB-aligned, for the partitions. */
uint32_t machine_memory(uint32_t bytes);

/* What came out of a UART since the start of the program. */
struct stream {
  uint32_t count;
  uint32_t hash;
};
extern struct stream machine_sent[];

static inline void stream_add(struct stream *stream, char c) {
  stream->count++;
  stream->hash = stream->hash * 31u + (uint8_t)c;
}

/* Power on. pages: the virtual addresses that guests map, which the TLB can hold. */
void machine_reset(const uint32_t *pages, unsigned count);

/* Where a USR access goes (*host), or the fault status it gets; 0: no fault. */
uint32_t machine_access(uint32_t va, bool write, uint8_t **host);

/* The guest is interrupted: its registers go to where its thread is parked, `handler` runs, then machine_resume. */
void machine_exception(void (*handler)(struct context *frame));

/* Return to the thread that runs now. */
void machine_resume(void);

/* A tick, or a character typed on a UART: pending until the VMM takes it. */
void machine_raise_tick(void);
void machine_type(unsigned uart, char c);

#endif
