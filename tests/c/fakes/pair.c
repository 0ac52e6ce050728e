/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "guest_random.h"
#include "machine.h"
#include "small_vms.h"

#define CALLS_MAX 40u /* more than a duplication takes */

static void belongs_to(unsigned vm, const struct standby_config *pair) {
  struct vm_config *config = (struct vm_config *)(uintptr_t)vms[vm].config;
  config->standby = pair;
}

void pair_power_on(uint32_t seed, const struct standby_config *pair) {
  random_start(seed);
  small_configure(small_mixed, 1, 1, seed % 3u, false, true); /* what checkpoints leave out is not duplicated */
  belongs_to(PRIMARY, pair);
  belongs_to(STANDBY, pair);
  vms[PRIMARY].health.steps[VMI_ACTION_COLD_RESTART].budget = VMI_POLICY_FOREVER; /* no take-over before its time */
  small_power_on();
  CHECK(vms[STANDBY].run_state == VMI_VM_STANDBY, "the standby has state %u", vms[STANDBY].run_state);
}

struct vmi_pair pair_seen(unsigned vm) {
  struct vmi_pair seen;
  standby_describe(vm_numbered(vm), &seen);
  return seen;
}

bool pair_duplicate(void) {
  uint32_t before = pair_seen(PRIMARY).duplications;
  for (unsigned call = 0; call < CALLS_MAX && pair_seen(PRIMARY).duplications == before; call++) {
    standby_duplicate();
  }
  return pair_seen(PRIMARY).duplications != before;
}
