/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to fault, for guest kernels and tasks (R32, R33). */
#ifndef FAULT_KINDS_H
#define FAULT_KINDS_H

#include <stdbool.h>
#include <stdint.h>

struct fault_kind {
  const char *name;
  bool in_kernel; /* a fault also when the guest kernel does it */
  void (*provoke)(void);
};

extern const struct fault_kind fault_kinds[];
extern const uint32_t fault_kind_count;

#endif
