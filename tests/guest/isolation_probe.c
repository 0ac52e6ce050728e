/* SPDX-License-Identifier: Apache-2.0 */
#include "isolation.h"
#include "lib/vcpu.h"

#define SECTION 0x00100000u
#define COARSE 0x01000000u  /* above the guest's own windows: every 16 MiB */
#define FINE_END 0x02000000u

int32_t (*isolation_checkpoint)(void);

static uint32_t own_word;

/* Inside sections that are mapped: what the guest's own layout does not contain. */
static const uint32_t special[] = {
    VMI_KERNEL_BASE + 0x20,
    VMI_VCPU_PAGE,
    VMI_VCPU_PAGE + 0xffc,
    VMI_INFO_PAGE + 0xffc,
    VMI_CHANNEL_BASE,
    VMI_CHANNEL_BASE + 4096,
    VMI_INFO_PAGE + 0x1000,
    VMI_SHARED_BASE + 0xff000,
    VMI_TASK_BASE + 0xff000,
    0x10000000,
    0x10009000,
    0x1000a000,
    0x10011000,
    0x1e000000,
    0x1e000200,
    0x1e001000,
    0x60000000,
    0x60004000,
    0x60010000,
    0x60100000,
    0x60200000,
    0x60300000,
    0x67fffffc,
    0xfffffffc,
};

/* Returns once; or twice, the second time out of the rollback, with everything as at the checkpoint. */
static bool is_first_return(uint32_t recoveries) {
  (void)isolation_checkpoint();
  return vmi_info_page()->recoveries == recoveries;
}

static bool can_read(uint32_t address) {
  if (!is_first_return(vmi_info_page()->recoveries)) {
    return false;
  }
  (void)*(volatile uint32_t *)address;
  return true;
}

static bool can_write(uint32_t address) {
  if (!is_first_return(vmi_info_page()->recoveries)) {
    return false;
  }
  *(volatile uint32_t *)address = *(volatile uint32_t *)address;
  return true;
}

enum access isolation_probe(uint32_t address) {
  if (!can_read(address)) {
    return ACCESS_NONE;
  }
  return can_write(address) ? ACCESS_WRITE : ACCESS_READ;
}

static void check(struct report *report, uint32_t address, enum access expected) {
  enum access found = isolation_probe(address);

  report->checks++;
  if (found != expected && report->failures++ == 0) {
    print("TEST %s FAIL access to 0x%08x is %u, want %u\n", report->name, (unsigned)address, (unsigned)found,
          (unsigned)expected);
  }
}

void isolation_sweep(const char *name, enum access (*expected)(uint32_t address)) {
  struct report report = {name, 0, 0};

  for (uint32_t address = 0; address < FINE_END; address += SECTION) {
    check(&report, address, expected(address));
  }
  for (uint32_t address = FINE_END; address != 0; address += COARSE) {
    check(&report, address, expected(address));
  }
  for (uint32_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
    check(&report, special[i], expected(special[i]));
  }
  check(&report, (uint32_t)(uintptr_t)&own_word, ACCESS_WRITE);
  report_end(&report);
}
