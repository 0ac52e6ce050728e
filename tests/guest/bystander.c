/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A VM that has nothing to do with the others: its memory, registers and time must not notice what they do. It yields in a
 * loop, so that a VM of equal priority switches to it (and is checkpointed) whenever it yields too.
 */
#include "lib/guest.h"
#include "lib/vcpu.h"
#include "registers.h"

#define WORDS 4096u
#define ROUNDS 300u

static struct registers in;
static struct run run;
static uint32_t memory[WORDS];

static void check_memory(struct report *report, uint32_t seed) {
  for (uint32_t i = 0; i < WORDS; i++) {
    if (memory[i] != seed + i) {
      report_equal(report, "memory", memory[i], seed + i);
    }
  }
}

static void round_trip(struct report *report, uint32_t *random) {
  uint32_t seed = *random;

  for (uint32_t i = 0; i < WORDS; i++) {
    memory[i] = seed + i;
  }
  registers_fill(&in, random);
  in.r[12] = VMI_YIELD;
  run_prepare(&run, &events_svc[0]);
  registers_run(&in, &run);
  registers_same(report, &in, &run, 1);
  check_memory(report, seed);
}

void guest_main(const struct vmi_info *info) {
  struct report report = {"bystander", 0, 0};
  uint32_t random = info->vm;

  for (uint32_t i = 0; i < ROUNDS; i++) {
    round_trip(&report, &random);
  }
  report_equal(&report, "recoveries", info->recoveries, 0);
  report_equal(&report, "starts", info->starts, 1);
  report_end(&report);
  report_done();
  for (;;) {
    (void)vmi_yield();
  }
}
