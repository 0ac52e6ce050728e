/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scrubber (D8): what must not change is compared in the background, page by page, with CRC-32s that were made when the
 * image was built: text and constants of the VMM, the golden copies of the guests, the read-only pages of every VM. A page
 * of a VM that differs is loaded again from the golden copy; a difference in the VMM itself is a fault of the VMM (R31).
 */
#ifndef CORE_SCRUB_H
#define CORE_SCRUB_H

#include "core/vm.h"

/* Check the next config_scrub_bytes bytes; housekeeping calls it. A difference becomes a fault_event, or a fault of the VMM. */
void scrub_step(void);

/* VMI_SCRUB: r0 = where the struct vmi_scrub goes. VMI_EFAULT. */
__attribute__((cold)) int32_t scrub_call(struct vm *vm, struct context *frame);

#endif
