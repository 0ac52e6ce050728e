/* SPDX-License-Identifier: Apache-2.0 */
/* The background check of what must not change (D8). */
#include "lib/print.h"
#include "lib/vmi_manage.h"
#include "vm0/command.h"
#include "vm0/describe.h"

/* The longest that a change can go unnoticed: one pass. */
static uint32_t latency_ms(const struct vmi_scrub *info) {
  return (uint32_t)((uint64_t)info->size * info->step_us / info->step_bytes / 1000u);
}

static uint32_t bytes_per_second(const struct vmi_scrub *info) {
  return (uint32_t)((uint64_t)info->step_bytes * 1000000u / info->step_us);
}

static void print_scrub(const struct vmi_scrub *info) {
  print("%u bytes every %u us: %u bytes/s\n", (unsigned)info->step_bytes, (unsigned)info->step_us,
        (unsigned)bytes_per_second(info));
  if (info->passes != 0) {
    print("one pass: %u bytes, a change is noticed within %u ms\n", (unsigned)info->size, (unsigned)latency_ms(info));
  }
  print("passes %u, pages checked %u, repaired %u, damaged beyond repair %u\n", (unsigned)info->passes,
        (unsigned)info->pages, (unsigned)info->repaired, (unsigned)info->damaged);
}

void command_scrub(const struct words *words) {
  struct vmi_scrub info;
  int32_t result = vmi_scrub(&info);

  if (result != VMI_OK) {
    print("%s: %s (%d)\n", words->word[0], describe_error(result), (int)result);
  } else if (info.step_bytes == 0 || info.step_us == 0) {
    print("off: scrub_kib_per_s or housekeeping_ms is 0\n");
  } else {
    print_scrub(&info);
  }
}
