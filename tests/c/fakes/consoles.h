/* SPDX-License-Identifier: Apache-2.0 */
/* For tests of what asks consoles: the answers of VM 1. */
#ifndef FAKES_CONSOLES_H
#define FAKES_CONSOLES_H

#include <stdbool.h>

#include "vmi.h"

extern struct vmi_vm_words vm_words;

/* All output has been sent, after each of two VMs has ended. */
extern bool flushed;

#endif
