/* SPDX-License-Identifier: Apache-2.0 */
/* VMs 1 and 2 of fakes/small_vms.h as primary and standby. The pair is config_standbys[0], or another one, of the test. */
#ifndef FAKES_PAIR_H
#define FAKES_PAIR_H

#include "core/standby.h"

#define PRIMARY 1u
#define STANDBY 2u

/* The small system from this seed, all of it protected, with or without older generations. */
void pair_power_on(uint32_t seed, const struct standby_config *pair);

/* What the console sees of a VM's pair. */
struct vmi_pair pair_seen(unsigned vm);

/* A duplication that ends at this moment is one of the checkpoint as it is now. false: there was none. */
bool pair_duplicate(void);

#endif
