/* SPDX-License-Identifier: Apache-2.0 */
/* A record of the fault log in words, at most 100 columns wide. Pure: also compiled on the host for its tests. */
#ifndef VM0_FAULT_TEXT_H
#define VM0_FAULT_TEXT_H

#include <stddef.h>

#include "vmi.h"

#define FAULT_TEXT_LINES 6
#define FAULT_TEXT_WIDTH 100 /* columns */
#define FAULT_TEXT_SIZE (FAULT_TEXT_LINES * (FAULT_TEXT_WIDTH + 1) + 1)

/* Returns the length of the text, which ends with a new line. text: FAULT_TEXT_SIZE bytes. */
size_t fault_text(char *text, const struct vmi_fault *fault, const char *vm, const char *task, const char *owner);

/* What lies in a window, for messages: "task", "guest kernel", ... A task window is named by its task elsewhere. */
const char *window_text(uint32_t window);

#endif
