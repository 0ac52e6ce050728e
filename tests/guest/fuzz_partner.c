/* SPDX-License-Identifier: Apache-2.0 */
/* A task whose memory the other one's calls must not change. When it runs, it lets somebody else run. */
#include "fuzz.h"

static uint32_t witness[WITNESS_WORDS];

void fuzz_partner(void *number) {
  if (witness[0] == 0) {
    witness_fill(witness, vmi_address(number));
  }
  for (;;) {
    (void)vmi_call2(FUZZ_TELL, vmi_address(number), vmi_address(witness));
  }
}
