/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a micro-reboot keeps (core/vmm_fault.h): variables that belong to VMs, and what connects the life before with the one
 * after it. Start-up clears them, a micro-reboot does not, so nothing in them may be believed there before it is checked.
 * Everything else of the VMM is as at start-up after a micro-reboot.
 */
#ifndef CORE_PRESERVED_H
#define CORE_PRESERVED_H

#define PRESERVED __attribute__((section(".preserved")))

#endif
