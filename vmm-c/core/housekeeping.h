/* SPDX-License-Identifier: Apache-2.0 */
/* The slow work of the VMM, which need not be done at every tick. */
#ifndef CORE_HOUSEKEEPING_H
#define CORE_HOUSEKEEPING_H

/*
 * Called by the scheduler every config_housekeeping_ticks (0: never), when the registers of who ran are saved and before it
 * chooses who runs next. It may raise faults of any VM (fault_event), take checkpoints and stop VMs; current_vm may be NULL.
 */
void housekeeping(void);

#endif
