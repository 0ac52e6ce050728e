/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a rollback relies on, checked against what must always hold: the pointers and lists in struct vm, the first-level
 * entries, the second-level entries of each page. Nothing is followed before it was found to be right.
 */
#ifndef RECOVERY_VALIDATE_H
#define RECOVERY_VALIDATE_H

#include "core/vm.h"

/* Pointers, images of registers, lists and first-level entries of a VM that has checkpoints. status: enum vmi_table_damage. */
bool validate_vm(const struct vm *vm, struct vmi_fault *what);

/* The entries, in all tables, of `count` pages of a window from page number `first` on. Likewise. */
bool validate_pages(const struct vm *vm, uint32_t window, uint32_t first, uint32_t count, struct vmi_fault *what);

#endif
