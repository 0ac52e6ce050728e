/* SPDX-License-Identifier: Apache-2.0 */
/* One line about the result of a management call. */
#ifndef VM0_VM_OPERATION_H
#define VM0_VM_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

/* Prints why `command` was refused for `vm`; returns true when result is VMI_OK. */
bool operation_succeeded(const char *command, uint32_t vm, int32_t result);

/* Its state in words: "running". Valid for ever. */
const char *vm_state(uint32_t vm);

/* Prints the VM's state: "guest1: running". */
void print_vm_state(uint32_t vm);

#endif
