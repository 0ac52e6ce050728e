/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts the xorshift32 sequence of PC_SEED into the buffer: one value per tick, and now and then a burst that
 * fills it, so that both tasks get to wait for each other.
 */
#include "apps/producer_consumer/buffer.h"
#include "apps/sequence.h"
#include "print.h"
#include "ucos_ii.h"

#define BURST_EVERY 32u
#define BURST 12u

void producer_task(void *argument);

void producer_task(void *argument) {
  uint32_t value = PC_SEED;

  (void)argument;
  buffer_open();
  for (uint32_t sequence = 0;; sequence++) {
    uint8_t error;

    value = xorshift32(value);
    error = buffer_put(value);
    if (error != OS_ERR_NONE) {
      print("pc error put %lu %u\n", (unsigned long)sequence, error);
    }
    if (sequence % BURST_EVERY >= BURST) {
      OSTimeDly(1);
    }
  }
}
