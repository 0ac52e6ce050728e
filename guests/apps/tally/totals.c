/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tally/totals.h"

#include "persistent.h"
#include "print.h"
#include "vmi.h"

struct totals {
  uint32_t turn; /* kept[turn % 2] is valid */
  struct total kept[2];
};

VMI_PERSISTENT static struct totals totals = {.kept = {{.value = 0x7a11}}};

static void barrier(void) {
  __asm__ volatile("" ::: "memory");
}

struct total totals_get(void) {
  return totals.kept[totals.turn % 2u];
}

void totals_set(struct total total) {
  totals.kept[(totals.turn + 1u) % 2u] = total;
  barrier();
  totals.turn++;
}

void totals_introduce(const char *who) {
  static const char *const starts[] = {
      [VMI_START_COLD] = "cold start", [VMI_START_WARM] = "warm start", [VMI_START_STANDBY] = "stand-in"};
  const volatile struct vmi_info *info = (const volatile struct vmi_info *)VMI_INFO_PAGE;

  print("%s: %s at %lu\n", who, starts[info->start], (unsigned long)totals_get().count);
}
