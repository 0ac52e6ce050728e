/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

static struct fuzzer fuzzer; /* found again when the kernel has created this task anew */

static bool before(const struct fuzz_call *call) {
  uint32_t number = call->in[12];

  return (number < FUZZ_COUNT || number > FUZZ_TELL) && number != VMI_PANIC; /* it does what fail_really does */
}

void fuzz_task(void *seed) {
  if (fuzzer.report.name == NULL) {
    fuzzer = (struct fuzzer){.report = {"fuzz.task", 0, 0}, .caller = HOSTILE_TASK, .recover = 128};
    fuzzer.seed = vmi_address(seed);
  }
  while (fuzz_next(&fuzzer, before)) {
    (void)vmi_call1(FUZZ_COUNT, fuzzer.position);
  }
  (void)vmi_call0(FUZZ_DONE);
}
