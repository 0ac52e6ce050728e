/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The black box: what a reset of the board leaves of the life before it. It lies in RAM that neither a loader nor start-up
 * writes to, at the same address in each build, and says itself what can be believed of it: the header has a checksum, and
 * so has each record of the fault log behind it.
 */
#ifndef CORE_BLACK_BOX_H
#define CORE_BLACK_BOX_H

#include <stdbool.h>

#include "vmi_black_box.h"

/* Whose records these are. Written once in a life. */
struct black_box {
  uint32_t magic; /* BLACK_BOX_MAGIC */
  uint32_t size;  /* of header and log: another one is another layout */
  uint32_t life;  /* number of the life that wrote this header */
  uint32_t first; /* sequence number of its first record */
  char build[VMI_BUILD_SIZE];
  char system[VMI_SYSTEM_SIZE];
  uint32_t reserved;
  uint32_t check; /* CRC-32 of all bytes before it */
};

#define BLACK_BOX_MAGIC 0x58424255u /* "UBBX" */

extern struct black_box black_box;

/*
 * Once at a start of the board, before any fault: finds out what is left of the life before, keeps the sound records,
 * drops the others, and opens the box for this life.
 */
__attribute__((cold)) void black_box_open(void);

#define LAST_WORDS 4u /* kept */

/* Where the VMM's last words go, all zero but for their number and life; then they get their checksum. */
struct vmi_last_words *black_box_words_begin(void);
void black_box_words_commit(struct vmi_last_words *words);

/* Last words, newest first: *out = number `nth` of them from 0. false: there are not so many. */
bool black_box_words(uint32_t nth, struct vmi_last_words *out);

/* What black_box_open found; for VMI_BLACK_BOX. */
void black_box_describe(struct vmi_black_box *info);

/* Tells on the console what former lives left, if they did. */
void black_box_report(void);

#endif
