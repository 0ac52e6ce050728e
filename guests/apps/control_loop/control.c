/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integrates the signal once per tick, in floating point and in fixed point, and prints `cl <k> <integral>` with
 * the integral in units of 1/8192. Eight sums live in VFP registers from one tick to the next: sum j is j times
 * the first one, unless a register was lost on the way.
 */
#include "apps/control_loop/signal.h"
#include "print.h"
#include "ucos_ii.h"

#define SUMS 8

struct integrator {
  double sum[SUMS];
  int32_t fixed;
};

void control_task(void *argument);

static void integrate(struct integrator *integrator, uint32_t k) {
  double sample = (double)signal_units(k) / SIGNAL_SCALE / STEPS_PER_UNIT;

  for (int j = 0; j < SUMS; j++) {
    integrator->sum[j] += sample * (j + 1);
  }
  integrator->fixed += signal_units(k);
}

static int is_consistent(const struct integrator *integrator) {
  int good = integrator->sum[0] * INTEGRAL_SCALE == (double)integrator->fixed;

  for (int j = 0; j < SUMS; j++) {
    good = good && integrator->sum[j] == integrator->sum[0] * (j + 1);
  }
  return good;
}

void control_task(void *argument) {
  struct integrator integrator = {{0.0}, 0};
  OS_EVENT *queue = control_queue();

  (void)argument;
  for (uint32_t k = 0;; k++) {
    integrate(&integrator, k);
    if (is_consistent(&integrator)) {
      print("cl %lu %ld\n", (unsigned long)k, (long)(integrator.sum[0] * INTEGRAL_SCALE));
    } else {
      print("cl error %lu %ld %ld\n", (unsigned long)k, (long)(integrator.sum[0] * INTEGRAL_SCALE),
            (long)integrator.fixed);
    }
    if (k % 8u == 7u) {
      (void)OSQPost(queue, (void *)(k + 1u)); /* k + 1 samples are in the sum */
    }
    OSTimeDly(1);
  }
}
