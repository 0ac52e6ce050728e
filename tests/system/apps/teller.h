/* SPDX-License-Identifier: Apache-2.0 */
/* A word in the memory that the tasks of the VM share. */
#ifndef TELLER_H
#define TELLER_H

#include <stdint.h>

extern volatile uint32_t teller_told;

#endif
