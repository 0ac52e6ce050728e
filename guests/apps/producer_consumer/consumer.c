/* SPDX-License-Identifier: Apache-2.0 */
/* Takes the values from the buffer, knows what each must be, and prints it: `pc <sequence> <value>`. */
#include "apps/producer_consumer/buffer.h"
#include "apps/sequence.h"
#include "print.h"
#include "ucos_ii.h"

void consumer_task(void *argument);

void consumer_task(void *argument) {
  uint32_t expected = PC_SEED;

  (void)argument;
  buffer_open();
  for (uint32_t sequence = 0;; sequence++) {
    uint32_t value = 0;
    uint8_t error = buffer_get(&value);

    expected = xorshift32(expected);
    if (error != OS_ERR_NONE || value != expected) {
      print("pc error get %lu %08lx instead of %08lx, error %u\n", (unsigned long)sequence, (unsigned long)value,
            (unsigned long)expected, error);
    } else {
      print("pc %lu %08lx\n", (unsigned long)sequence, (unsigned long)value);
    }
  }
}
