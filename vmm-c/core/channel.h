/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels between two VMs: one page in each direction, and a doorbell (R4). Each side numbers its channels on its own,
 * from 0, in the order of config_channels. The pages are mapped by the VM's memory set-up.
 * What the peer sees of an out page is the page itself, or, if the output of its owner is held, a copy made at the owner's
 * checkpoints (vm.h, channel_seen): a copy, because the frames of the page change their parts at the first write already.
 * vm as a number: below config_vm_count; the caller checks it.
 */
#ifndef CORE_CHANNEL_H
#define CORE_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/vm.h"

/* Builds the lookup table from config_channels. Before any VM is set up. */
void channel_init(void);

/* Number of channels of a VM, 0..VMI_CHANNEL_MAX. */
extern uint8_t channel_counts[];
static inline unsigned channel_count(unsigned vm) {
  return channel_counts[vm];
}

/* The other side of channel c: its VM, and the number the channel has there. false: no such channel. */
bool channel_peer(unsigned vm, unsigned c, unsigned *peer_vm, unsigned *peer_channel);

/* Fills channel_count and channel[] of the VM's info page. */
void channel_info(unsigned vm, struct vmi_info *info);

/*
 * Doorbell (VMI_CHANNEL_NOTIFY): raises VMI_IRQ_CHANNEL in the peer, at once, or when the VM is checkpointed if its output
 * is held (D9). VMI_OK, VMI_ENOENT.
 */
int32_t channel_notify(struct vm *vm, unsigned c);

/* A checkpoint of a VM whose output is held: the peers see the pages that it wrote, and hear the bells (OUTSIDE_...). */
void channel_commit(const struct vm *vm, uint32_t what);

/* A duplicate takes the VM's place: its peers see the out pages as they are there. */
void channel_show_all(const struct vm *vm);

#endif
