/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_ADOPT_H
#define CORE_ADOPT_H

/*
 * After a micro-reboot, when the scheduler is empty: each VM whose records can be believed goes on from its last checkpoint, each
 * other one from its pristine image, VM0 and VMs without fault tolerance among them. What was done is in the fault log.
 */
__attribute__((cold)) void adopt_vms(void);

#endif
