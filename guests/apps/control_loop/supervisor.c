/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recomputes what the integral must be from nothing, `cs <k> <integral>`. It works in floating point until at
 * least one tick has passed, so the control task interrupts it in the middle with other values in the same
 * registers.
 */
#include "apps/control_loop/signal.h"
#include "print.h"
#include "ucos_ii.h"

void supervisor_task(void *argument);

/* Sum of the samples from..to-1, as eight interleaved sums. */
static double float_sum(uint32_t from, uint32_t to) {
  double sum[8] = {0.0};

  for (uint32_t k = from; k < to; k += 8) {
    for (uint32_t j = 0; j < 8; j++) {
      sum[j] += k + j < to ? (double)signal_units(k + j) / SIGNAL_SCALE : 0.0;
    }
  }
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

static double integral(uint32_t count) {
  double period = float_sum(0, SIGNAL_PERIOD);

  return (period * (count / SIGNAL_PERIOD) + float_sum(0, count % SIGNAL_PERIOD)) / STEPS_PER_UNIT;
}

/* Returns whether all computations of at least one tick agree with the integer arithmetic. */
static int check(uint32_t count) {
  INT32U start = OSTimeGet();
  int good = 1;

  do {
    good = good && integral(count) * INTEGRAL_SCALE == (double)integral_units(count - 1u);
  } while (OSTimeGet() == start);
  return good;
}

void supervisor_task(void *argument) {
  OS_EVENT *queue = control_queue();

  (void)argument;
  for (;;) {
    INT8U error;
    uint32_t count = (uint32_t)OSQPend(queue, 0, &error);

    if (error != OS_ERR_NONE || !check(count)) {
      print("cs error %lu %u\n", (unsigned long)count, error);
    } else {
      print("cs %lu %ld\n", (unsigned long)(count - 1u), (long)integral_units(count - 1u));
    }
  }
}
