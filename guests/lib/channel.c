/* SPDX-License-Identifier: Apache-2.0 */
#include "channel.h"

static volatile struct channel_page *out_page(uint32_t channel) {
  return (volatile struct channel_page *)(VMI_CHANNEL_BASE + channel * VMI_CHANNEL_STRIDE);
}

static const volatile struct channel_page *in_page(uint32_t channel) {
  return (const volatile struct channel_page *)(VMI_CHANNEL_BASE + channel * VMI_CHANNEL_STRIDE + VMI_PAGE_SIZE);
}

/* Words and indices must become visible in program order (ARM ARM A3.8.3). */
static void barrier(void) {
  __asm__ volatile("dmb" ::: "memory");
}

bool channel_send(uint32_t channel, uint32_t word) {
  volatile struct channel_page *out = out_page(channel);
  uint32_t written = out->written;

  if ((int32_t)(written - in_page(channel)->taken) >= (int32_t)CHANNEL_RING_WORDS) {
    return false;
  }
  out->ring[written % CHANNEL_RING_WORDS] = word;
  barrier();
  out->written = written + 1;
  return true;
}

bool channel_receive(uint32_t channel, uint32_t *word) {
  volatile struct channel_page *out = out_page(channel);
  const volatile struct channel_page *in = in_page(channel);
  uint32_t taken = out->taken;
  int32_t available = (int32_t)(in->written - taken);

  if (available <= 0) {
    return false;
  }
  if (available > (int32_t)CHANNEL_RING_WORDS) {
    taken += (uint32_t)available - CHANNEL_RING_WORDS;
  }
  barrier();
  *word = in->ring[taken % CHANNEL_RING_WORDS];
  barrier();
  out->taken = taken + 1;
  return true;
}
