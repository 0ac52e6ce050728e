/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The static tasks of a guest. The image builder generates the table from the [guest.*] TOML; entry n is task slot
 * n.
 */
#ifndef TASK_TABLE_H
#define TASK_TABLE_H

#include <stdint.h>

#include "vmi.h"

struct os_task_config {
  const char *name;
  void (*entry)(void *);
  uint32_t *stack_base; /* lowest address; a guard page lies below it */
  uint32_t *stack_top; /* end address */
  uint8_t priority;
  uint8_t autostart; /* 1: created by OSStart */
  void *arg;
};

extern const struct os_task_config os_task_table[];
extern const uint32_t os_task_count; /* at most OS_MAX_TASKS */

/* What the VMM is to check before it saves the VM (VMI_OBJECT, kernel/objects.h); none: the count is 0. */
extern const struct vmi_object os_objects[];
extern const uint32_t os_object_count;

#endif
