/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Watchdogs for VMs and tasks (VMI_CLASS_HANG, and VMI_BOOT_TIMEOUT). They look at what the VMM counts anyway, and cost the paths
 * of switches and calls nothing.
 *
 * Time is a VM's own: ticks of the VMM that it ran for. So one that others starve is not at fault, nor one that is paused. Where
 * a VM must react to something, what it spends in VMI_WAIT counts as well.
 */
#ifndef CORE_WATCHDOG_H
#define CORE_WATCHDOG_H

/*
 * Look at all VMs; called by housekeeping. A limit that is exceeded is found at the first or second look after it was, within
 * two periods of housekeeping of that time. After a fault of a VM, whoever found it, its watchdogs start anew.
 */
void watchdog_look(void);

#endif
