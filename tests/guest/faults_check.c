/* SPDX-License-Identifier: Apache-2.0 */
#include "faults.h"
#include "lib/format.h"
#include "lib/vcpu.h"
#include "registers.h"

#define CANARY_WORDS 2600u /* of zero-initialised data; some pages */
#define STACK_WORDS 100u

bool faults_leave_vm(void) {
  return vmi_info_page()->name[0] == 's'; /* the VM "seldom" of faults.toml */
}

static struct registers in;
static struct run run;
static uint32_t canary[CANARY_WORDS];
static uint32_t initialised[64] = {1}; /* in .data */
static const struct fault_kind *current_kind;
static uint32_t *stack_canary;

/* Word i of area `area` in test `seed`. */
static uint32_t canary_word(uint32_t seed, uint32_t area, uint32_t i) {
  return (seed ^ (area << 28)) + i * 2654435761u;
}

static void canary_fill(uint32_t *words, uint32_t count, uint32_t seed, uint32_t area) {
  for (uint32_t i = 0; i < count; i++) {
    words[i] = canary_word(seed, area, i);
  }
}

static void canary_check(struct report *report, const char *what, const uint32_t *words, uint32_t count, uint32_t seed,
                         uint32_t area) {
  for (uint32_t i = 0; i < count; i++) {
    if (words[i] != canary_word(seed, area, i)) {
      report_equal(report, what, words[i], canary_word(seed, area, i));
    }
  }
}

static void vfp_overwrite(void) {
  __asm__ volatile(".fpu neon\n"
                   "vmov.i8 q0, #0xa5\n"
                   "vmov.i8 q3, #0xa5\n"
                   "vmov.i8 q7, #0xa5\n"
                   "vmov.i8 q8, #0xa5\n"
                   "vmov.i8 q15, #0xa5\n"
                   "mcr p15, 0, %0, c13, c0, 2" ::"r"(0xa5a5a5a5));
}

/* Ruins everything and faults; nothing of this may be left after the rollback. Entered with wild registers. */
_Noreturn void provoke(void);
void provoke(void) {
  canary_fill(canary, CANARY_WORDS, 99, 3);
  canary_fill(initialised, 64, 99, 3);
  canary_fill(stack_canary, STACK_WORDS, 99, 3);
  canary_fill((uint32_t *)(void *)run.below, 16, 99, 3);
  vfp_overwrite();
  if (faults_leave_vm()) {
    (void)vmi_yield(); /* the VM is left and comes back, without a checkpoint, before the fault */
  }
  current_kind->provoke();
  for (;;) {
    print("TEST %s FAIL no fault\n", current_kind->name);
    (void)vmi_yield();
  }
}

static void provoke_and_check(struct report *report, const struct fault_kind *kind, uint32_t number, uint32_t *random) {
  uint32_t words[STACK_WORDS];
  uint32_t seed = *random;
  uint32_t recoveries = vmi_info_page()->recoveries;

  (void)vmi_yield(); /* a full slice: no tick must switch VMs between checkpoint and fault, or it takes another one */
  current_kind = kind;
  stack_canary = words;
  canary_fill(canary, CANARY_WORDS, seed, 0);
  canary_fill(initialised, 64, seed, 1);
  canary_fill(words, STACK_WORDS, seed, 2);
  registers_fill(&in, random);
  in.r[12] = number;
  in.r[1] = recoveries & 1;
  run_prepare(&run, &event_checkpoint);
  registers_run(&in, &run);
  registers_same(report, &in, &run, 1);
  report_equal(report, "recoveries", vmi_info_page()->recoveries, recoveries + 1);
  canary_check(report, "zero-initialised data", canary, CANARY_WORDS, seed, 0);
  canary_check(report, "initialised data", initialised, 64, seed, 1);
  canary_check(report, "stack", words, STACK_WORDS, seed, 2);
}

void fault_test(const char *prefix, const struct fault_kind *kind, uint32_t number, uint32_t *random) {
  char name[48];
  struct report report = {name, 0, 0};

  format_text(name, sizeof(name), "%s.%s", prefix, kind->name);
  for (int round = 0; round < 2; round++) { /* the second fault comes right after a recovery */
    provoke_and_check(&report, kind, number, random);
  }
  report_end(&report);
}
