/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the harness and the injector say to each other over one socket; protocol.py has the same structures. All numbers
 * are little-endian, times are virtual nanoseconds since reset, addresses are physical.
 */
#ifndef PROTOCOL_H
#define PROTOCOL_H

#include <stdint.h>

#define PROTOCOL_VERSION 1u

/* The first answer, without a request; the names of the fields of the CPU's state follow, each with '\n'. */
struct hello {
  uint32_t version;
  uint32_t reserved;
  uint64_t time; /* virtual time of the start */
};

enum request_kind {
  REQUEST_SETUP = 1, /* struct setup, then its lists */
  REQUEST_RUN,       /* struct run, then its faults; answered by a struct report and what it lists */
  REQUEST_RETURN     /* engine "snapshot": the machine may stop here; answered when it has */
};

struct request {
  uint32_t kind;
  uint32_t size; /* of what follows, in bytes */
};

/* Followed by struct range[ranges] of RAM, struct range[devices] of device registers, and uint64_t[syncs]. */
struct setup {
  uint32_t version;
  uint32_t ranges;
  uint32_t devices;
  uint32_t syncs; /* times at which states are compared: the first is that of the start, the last is the end */
  uint32_t instruction_ns; /* virtual time of an instruction */
  uint32_t cpu_ms; /* an experiment that takes longer of the host's processor is ended: it makes no progress */
  uint32_t pages; /* so many pages that differ at the end are reported with their content */
  uint32_t reserved;
};

struct range {
  uint64_t base;
  uint64_t size;
};

enum run_flag {
  RUN_GOLDEN = 1, /* keep the state at each sync as that of the golden run */
  RUN_EARLY = 2, /* end at the first sync after the last fault where everything equals the golden run */
  RUN_PAUSE = 8, /* pause the machine just before one of the faults, for a debugger */
  RUN_TRACE = 4 /* write each step to the trace file, until `traced_until` */
};

struct run {
  uint32_t flags;
  uint32_t faults;
  uint64_t traced_until;
  uint64_t dormant_after; /* the golden run uses the RAM that the faults aim at up to here; ~0: or longer */
  uint32_t pause_before; /* number of the fault */
  uint32_t reserved;
};

enum target {
  TARGET_CORE, /* r0 to r15 and the CPSR (16), by number */
  TARGET_STATE, /* a field of QEMU's CPU state: its number in struct hello << 32, and the offset in it */
  TARGET_CP15, /* 15 << 16 | CRn << 11 | CRm << 7 | opc1 << 3 | opc2, the secure bank */
  TARGET_RAM, /* by physical address */
  TARGET_DEVICE, /* by physical address; written even when the value stays the same */
};

/* The value becomes (((value & keep) | set) ^ flip) + add. */
struct fault {
  uint64_t time; /* when it is applied first */
  uint64_t duration; /* 0: once; else it is applied again every `interval` for so long */
  uint64_t interval;
  uint64_t address;
  uint64_t keep;
  uint64_t set;
  uint64_t flip;
  uint64_t add;
  uint32_t target;
  uint32_t size; /* of the value, 1, 2, 4 or 8 bytes */
  uint32_t restore; /* after `duration` the bits that it may have changed are put back */
  uint32_t reserved;
};

enum end_kind {
  END_HORIZON, /* ran to the last sync */
  END_EQUAL, /* ended early: nothing differs from the golden run any more */
  END_SIGNAL, /* QEMU was killed by a signal (`status`), or exited by itself (`status` + 256) */
  END_STUCK, /* took too long, such as in aborts for ever, which take no virtual time */
  END_DORMANT, /* ended early: as END_EQUAL, but for what was injected, which the golden run does not use any more */
  END_STOPPED /* ended at the first sync where the PC is in the loop in which the VMM stops the system */
};

/* Followed by applied[faults], struct page[pages_sent], then what each UART sent. */
struct report {
  uint32_t end;
  uint32_t status;
  uint32_t sync; /* number of the one where it ended */
  uint32_t faults;
  uint64_t time;
  uint64_t executed; /* instructions since the experiment began */
  uint32_t cpu_differs; /* 1: a register differs from the golden run at the end */
  uint32_t devices_differ;
  uint32_t pages; /* of RAM that differ */
  uint32_t pages_sent;
  uint32_t registers[17];
  uint32_t uart[8]; /* bytes */
};

struct applied {
  uint64_t time; /* of the first application */
  uint64_t before; /* value at that time */
  uint64_t after; /* read back */
  uint32_t times; /* how often it was applied; 0: never */
  uint32_t changed; /* how often the value became another one */
  uint32_t pc;
  uint32_t cpsr;
};

struct page {
  uint64_t address;
  uint8_t data[4096];
};

enum trace_kind {
  TRACE_STEP, /* a: PC, b: CPSR; the next instruction starts */
  TRACE_IDLE, /* the processor sleeps */
  TRACE_READ, /* a: physical address, b: size; by the instruction of the step before */
  TRACE_WRITE
};

struct trace_record {
  uint64_t time;
  uint32_t kind;
  uint32_t a;
  uint32_t b;
  uint32_t c; /* of a step: the watched word of RAM; of an access: the virtual address */
};

#endif
