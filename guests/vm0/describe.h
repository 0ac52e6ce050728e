/* SPDX-License-Identifier: Apache-2.0 */
/* The VMI's numbers in words. Pure: also compiled on the host for its tests. */
#ifndef VM0_DESCRIBE_H
#define VM0_DESCRIBE_H

#include <stdint.h>

#include "vmi.h"

const char *describe_state(uint32_t state);   /* enum vmi_vm_state */
const char *describe_duplicate(uint32_t duplicate); /* enum vmi_duplicate */
const char *describe_output(uint32_t commit); /* vmi_vm_info.output_commit */
const char *describe_kind(uint32_t kind);     /* enum vmi_fault_kind */
const char *describe_class(uint32_t class);   /* enum vmi_fault_class */
const char *describe_action(uint32_t action); /* enum vmi_action */
const char *describe_reason(uint32_t reason); /* enum vmi_reason */
const char *describe_error(int32_t error);    /* VMI_E... */

#endif
