/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a pristine image is fit to be loaded: what was true when it was built must still be (D8). */
#ifndef CORE_IMAGE_CHECK_H
#define CORE_IMAGE_CHECK_H

#include "core/config.h"

/*
 * VMI_BOOT_NONE, or why not: VECTORS, MAGIC, VERSION, STACK, ENTRY or CRC, the first of them that is wrong. Reads all of the
 * image: about 7 instructions a byte.
 */
enum vmi_boot image_check(const struct guest_config *guest);

#endif
