/* SPDX-License-Identifier: Apache-2.0 */
#include "ready.h"

#include <stdbool.h>

#include "os_cfg.h"

/* Priority 0 is the top bit of word 0: counting leading zeros finds the most urgent. */
static uint32_t bitmap[2];
static uint8_t slot_of[OS_LOWEST_PRIO + 1];
static uint8_t priority_of[OS_MAX_TASKS];
static bool is_ready[OS_MAX_TASKS];

static uint32_t bit(uint32_t priority) {
  return 0x80000000u >> (priority & 31u);
}

void ready_insert(uint32_t slot) {
  uint32_t priority = priority_of[slot];

  is_ready[slot] = true;
  slot_of[priority] = (uint8_t)slot;
  bitmap[priority >> 5] |= bit(priority);
}

void ready_remove(uint32_t slot) {
  uint32_t priority = priority_of[slot];

  if (is_ready[slot]) {
    is_ready[slot] = false;
    bitmap[priority >> 5] &= ~bit(priority);
  }
}

void ready_set_priority(uint32_t slot, uint32_t priority) {
  bool ready = is_ready[slot];

  ready_remove(slot);
  priority_of[slot] = (uint8_t)priority;
  if (ready) {
    ready_insert(slot);
  }
}

uint32_t ready_first(void) {
  if (bitmap[0] != 0) {
    return slot_of[__builtin_clz(bitmap[0])];
  }
  return bitmap[1] != 0 ? slot_of[32 + __builtin_clz(bitmap[1])] : READY_NONE;
}
