/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded buffer in the memory that the tasks of the VM share. */
#ifndef BUFFER_H
#define BUFFER_H

#include <stdint.h>

#define PC_SEED 0x2f6e2b1u
#define BUFFER_MUTEX_PRIORITY 10u /* more urgent than both tasks */

/* Every user calls it before anything else; the first one creates the kernel objects. */
void buffer_open(void);

/* Both wait as long as it takes. Return 0, or the error code of the kernel. */
uint8_t buffer_put(uint32_t value);
uint8_t buffer_get(uint32_t *value);

#endif
