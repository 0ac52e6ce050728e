/* SPDX-License-Identifier: Apache-2.0 */
/* The states of the golden run, without a fault, at each sync, in a file that all engines of a campaign share. */
#ifndef GOLDEN_H
#define GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

/* Keep the state of the machine now as that of the golden run at a sync. */
void golden_keep(uint32_t sync);

/* Tell whether registers, RAM and devices are now as they were in the golden run. */
bool golden_equals(uint32_t sync);

/* Say in `report` what differs and put pages that do to `to`. Returns the bytes used, at most `place`. */
size_t golden_differences(uint32_t sync, struct report *report, uint8_t *to, size_t place);

#endif
