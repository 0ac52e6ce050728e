/* SPDX-License-Identifier: Apache-2.0 */
/* The part of the VMI that is about pairs of VMs, of which one takes over when the other fails; included by vmi.h. */
#ifndef VMI_STANDBY_H
#define VMI_STANDBY_H

#include <stdint.h>

#define VMI_VM_NONE 0xff /* no VM, where a VM number is expected */

/* What a standby has of its primary. */
enum vmi_duplicate {
  VMI_DUPLICATE_NONE,       /* nothing complete yet */
  VMI_DUPLICATE_UNSUITABLE, /* nothing, and never: the guests have no memory in common */
  VMI_DUPLICATE_PERSISTENT, /* persistent memory: it would start at its reset vector */
  VMI_DUPLICATE_ALL,        /* everything: it would go on where the primary was */
};

/* Of struct vmi_vm_info; what follows the first two is the same for both VMs of a pair, and 0 for others. */
struct vmi_pair {
  uint32_t standby;        /* VM number of its standby, or VMI_VM_NONE */
  uint32_t standby_for;    /* VM number of the VM that it is the standby of, or VMI_VM_NONE */
  uint32_t duplicate;      /* of such a pair: enum vmi_duplicate */
  uint32_t duplicate_age;  /* milliseconds since the last complete duplication; 0: there is no duplicate */
  uint32_t duplications;   /* complete ones, ever */
  uint32_t duplicated_pages;
  uint32_t take_overs;
};

#endif
