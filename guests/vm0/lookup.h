/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments of commands that name something: VM, task, guest. Each function takes name, number or unique beginning; when
 * it finds nothing it prints the one line that says so and returns false.
 */
#ifndef VM0_LOOKUP_H
#define VM0_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmi.h"

#define VMS_MAX 32 /* bits of the mask of VMI_WATCH */

uint32_t vm_count(void);
const char *vm_name(uint32_t vm); /* vm < vm_count() */

/* Like vm_name, for numbers in records; never fails. Valid until the next call. */
const char *task_name(uint32_t vm, uint32_t task);

bool lookup_vm(const char *command, const char *word, uint32_t *vm);
bool lookup_task(const char *command, const char *word, uint32_t vm, uint32_t *task);
bool lookup_guest(const char *command, const char *word, uint32_t *guest);
bool lookup_number(const char *command, const char *word, uint32_t *number);

#endif
