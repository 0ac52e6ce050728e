/* SPDX-License-Identifier: Apache-2.0 */
/* VMI_BLACK_BOX: what the VMM keeps over a reset of the board, besides the records of the fault log. */
#ifndef VMI_BLACK_BOX_H
#define VMI_BLACK_BOX_H

#include "vmi.h"

/* What a reset of the board left of the life before it. */
enum vmi_black_box_state {
  VMI_BLACK_BOX_EMPTY,       /* nothing: the first life since power-on */
  VMI_BLACK_BOX_SAME_BUILD,  /* the records of this build */
  VMI_BLACK_BOX_OTHER_BUILD, /* those of another one: its VMs and tasks may be others */
  VMI_BLACK_BOX_DAMAGED,     /* records whose own checksums hold, but not whose they are */
};

#define VMI_BUILD_SIZE 20  /* build id, NUL-terminated */
#define VMI_SYSTEM_SIZE 32 /* name of the system, cut if it is longer, NUL-terminated */

/* VMI_BLACK_BOX. A life of the board is the time from one reset to the next. */
struct vmi_black_box {
  uint32_t state;    /* enum vmi_black_box_state */
  uint32_t life;     /* number of this life, 1 for the first since power-on */
  uint32_t first;    /* sequence number of the first record of this life: smaller ones are of former lives */
  uint32_t next;     /* of the next record */
  uint32_t damaged;  /* records of former lives that are lost because their checksums are wrong */
  uint32_t salvaged; /* records of the last life that a reset overtook before they had a checksum */
  uint32_t restarts; /* micro-reboots of the VMM in this life */
  char build[VMI_BUILD_SIZE];   /* of the last life; empty if that is not known */
  char system[VMI_SYSTEM_SIZE];
};

#define VMI_STACK_WORDS 16

/* VMI_BLACK_BOX: what the VMM knew when it failed itself; the last few are kept over a reset of the board. */
struct vmi_last_words {
  uint32_t number;   /* from 1; goes on counting after a reset */
  uint32_t sequence; /* of its record in the fault log */
  uint32_t life;     /* of the board */
  uint32_t restarts; /* micro-reboots in that life, this one included if it was one */
  uint8_t vm;        /* who ran, or 0 */
  uint8_t kind;      /* enum vmi_fault_kind */
  uint16_t reserved;
  uint32_t r[13];
  uint32_t sp; /* of the VMM, SVC mode */
  uint32_t lr;
  uint32_t pc;
  uint32_t cpsr;
  uint32_t dfsr;
  uint32_t dfar;
  uint32_t ifsr;
  uint32_t ifar;
  uint32_t stack[VMI_STACK_WORDS]; /* from sp upwards; 0 where sp is outside of the VMM's stack */
  uint32_t check;                  /* CRC-32 of all bytes before it */
};

#endif
