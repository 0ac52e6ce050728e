/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of words through a VMI channel (protocol: docs/vmi.md, channels). Each side writes only its own out page; indices
 * run freely and wrap at 2^32. Works for kernels and tasks, one sender and one receiver per side.
 *
 * After a rollback of either side its indices step back. The receiver then takes nothing twice (what the sender repeats
 * has indices that were taken already), and skips what the sender has overwritten since.
 */
#ifndef LIB_CHANNEL_H
#define LIB_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "vmi.h"

#define CHANNEL_RING_WORDS 512u /* a power of two: indices wrap at 2^32 */

/* Layout of an out page. */
struct channel_page {
  uint32_t written; /* words that the owner has put into the ring, ever */
  uint32_t taken;   /* words that the owner has taken out of the peer's ring, ever */
  uint32_t reserved[14];
  uint32_t ring[CHANNEL_RING_WORDS];
};

_Static_assert(sizeof(struct channel_page) <= VMI_PAGE_SIZE, "one page per direction");

/* Puts a word into ring of channel `channel` (0..info->channel_count-1); false: it is full. Ring the bell yourself. */
bool channel_send(uint32_t channel, uint32_t word);

/* Takes the next word; false: there is none. */
bool channel_receive(uint32_t channel, uint32_t *word);

#endif
