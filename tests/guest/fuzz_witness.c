/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

uint32_t fuzz_mixed(uint32_t x) {
  x = (x ^ x >> 16) * 0x7feb352du;
  x = (x ^ x >> 15) * 0x846ca68bu;
  return x ^ x >> 16;
}

void witness_fill(uint32_t *words, uint32_t seed) {
  for (uint32_t i = 0; i < WITNESS_WORDS; i++) {
    words[i] = fuzz_mixed(seed + i);
  }
}

bool witness_is(const uint32_t *words, uint32_t seed, uint32_t from, uint32_t count) {
  for (uint32_t i = from; i < from + count; i++) {
    if (words[i % WITNESS_WORDS] != fuzz_mixed(seed + i % WITNESS_WORDS)) {
      return false;
    }
  }
  return true;
}
