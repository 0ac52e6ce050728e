/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state is the registers, what devices show, a flag for each page, and all of the ranges of RAM, in this order; states.py
 * reads it, too. The first state is that at the start. In the others only pages that differ from it are kept, and have
 * their flag set; the file has holes for all others. Comparing takes only the pages that may differ: those that this
 * process has written since it was forked, which Linux knows (pagemap, bit 56: nobody else maps it), and those with a flag.
 */
#include "golden.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "experiment.h"
#include "internals.h"
#include "machine.h"
#include "output.h"

enum { RANGE_MAX = 16, DEVICES_MAX = 2 * PAGE };
#define EXCLUSIVE (UINT64_C(1) << 56)

bool compare_all_pages;
static uint8_t *states;
static size_t state_size;
static const uint8_t *ram[RANGE_MAX]; /* where QEMU keeps the ranges */
static size_t page_count;

/* The output so far counts as a device. */
static size_t devices_read(uint8_t *to) {
  size_t at = output_sizes(to);
  for (uint32_t i = 0; i < plan.setup.devices; i++) {
    for (uint64_t offset = 0; offset < plan.devices[i].size && at < DEVICES_MAX; offset += sizeof(uint32_t)) {
      device_read(plan.devices[i].base + offset, to + at, sizeof(uint32_t));
      at += sizeof(uint32_t);
    }
  }
  return at;
}

static uint8_t *state_of(uint32_t sync) {
  return states + state_size * sync;
}

static uint8_t *flags_of(uint32_t sync) {
  return state_of(sync) + REGISTERS_MAX + DEVICES_MAX;
}

static uint8_t *ram_of(uint32_t sync) {
  return flags_of(sync) + (page_count + PAGE - 1) / PAGE * PAGE;
}

static bool find_ram(void) {
  page_count = 0;
  for (uint32_t i = 0; i < plan.setup.ranges && i < RANGE_MAX; i++) {
    page_count += plan.ranges[i].size / PAGE;
    ram[i] = machine_ram(plan.ranges[i].base, plan.ranges[i].size);
    if (ram[i] == NULL) {
      return false;
    }
  }
  return plan.setup.ranges <= RANGE_MAX;
}

bool golden_open(const char *path) {
  if (!find_ram()) {
    return false;
  }
  state_size = REGISTERS_MAX + DEVICES_MAX + (page_count + PAGE - 1) / PAGE * PAGE + page_count * PAGE;
  size_t size = state_size * plan.setup.syncs;
  int fd = open(path, O_RDWR | O_CREAT, 0600);
  struct stat status;
  bool good = fd >= 0 && fstat(fd, &status) == 0 && ((size_t)status.st_size >= size || ftruncate(fd, (off_t)size) == 0);
  states = good ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  close(fd);
  return states != MAP_FAILED;
}

static const uint8_t *golden_page(uint32_t sync, size_t page) {
  return ram_of(flags_of(sync)[page] ? sync : 0) + page * PAGE;
}

void golden_keep(uint32_t sync) {
  size_t number = 0;
  machine_registers(state_of(sync));
  devices_read(state_of(sync) + REGISTERS_MAX);
  for (uint32_t i = 0; i < plan.setup.ranges; i++) {
    for (size_t at = 0; at < plan.ranges[i].size; at += PAGE, number++) {
      if (sync == 0 || memcmp(golden_page(0, number), ram[i] + at, PAGE) != 0) {
        flags_of(sync)[number] = sync != 0;
        memcpy(ram_of(sync) + number * PAGE, ram[i] + at, PAGE);
      }
    }
  }
}

static bool registers_equal(uint32_t sync) {
  static uint8_t mine[REGISTERS_MAX];
  size_t size = machine_registers(mine);
  return memcmp(mine, state_of(sync), size) == 0;
}

static bool devices_equal(uint32_t sync) {
  static uint8_t mine[DEVICES_MAX];
  size_t size = devices_read(mine);
  return memcmp(mine, state_of(sync) + REGISTERS_MAX, size) == 0;
}

/* Which pages of a range this process has written; all if that can't be known. */
static void written_pages(const struct range *range, const uint8_t *memory, uint64_t *entries) {
  static int fd = -2;
  size_t count = range->size / PAGE;
  size_t size = count * sizeof *entries;
  off_t at = (off_t)((uintptr_t)memory / PAGE * sizeof *entries);
  if (fd == -2 && !compare_all_pages) {
    fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
  }
  if (compare_all_pages || pread(fd, entries, size, at) != (ssize_t)size) {
    memset(entries, 0xff, size);
  }
}

/* Call `visit` for each page that differs until it returns false. */
static bool visit_differences(uint32_t sync, bool (*visit)(uint64_t address, const uint8_t *data, void *argument),
                              void *argument) {
  static uint64_t entries[65536];
  size_t number = 0;
  for (uint32_t i = 0; i < plan.setup.ranges; i++) {
    const struct range *range = &plan.ranges[i];
    written_pages(range, ram[i], entries);
    for (size_t page = 0; page < range->size / PAGE; page++, number++) {
      const uint8_t *mine = ram[i] + page * PAGE;
      bool changed = (entries[page] & EXCLUSIVE) != 0 || flags_of(sync)[number] != 0;
      if (changed && memcmp(mine, golden_page(sync, number), PAGE) != 0 &&
          !visit(range->base + page * PAGE, mine, argument)) {
        return false;
      }
    }
  }
  return true;
}

/* The page that differed when it was looked last: most likely it still does, and nothing else needs a look. */
static uint64_t suspect;

static bool found_one(uint64_t address, const uint8_t *data, void *argument) {
  (void)data;
  (void)argument;
  suspect = address;
  return false;
}

static bool suspect_differs(uint32_t sync) {
  size_t number = 0;
  for (uint32_t i = 0; i < plan.setup.ranges; i++) {
    const struct range *range = &plan.ranges[i];
    if (suspect >= range->base && suspect < range->base + range->size) {
      size_t page = (suspect - range->base) / PAGE;
      return memcmp(ram[i] + page * PAGE, golden_page(sync, number + page), PAGE) != 0;
    }
    number += range->size / PAGE;
  }
  return false;
}

bool golden_equals(uint32_t sync) {
  return !suspect_differs(sync) && registers_equal(sync) && visit_differences(sync, found_one, NULL) &&
         devices_equal(sync);
}

struct found {
  struct report *report;
  uint8_t *to;
  size_t used;
  size_t place;
};

static bool list_page(uint64_t address, const uint8_t *data, void *argument) {
  struct found *found = argument;
  found->report->pages++;
  if (found->report->pages_sent < plan.setup.pages && found->used + sizeof(struct page) <= found->place) {
    memcpy(found->to + found->used, &address, sizeof address);
    memcpy(found->to + found->used + sizeof address, data, PAGE);
    found->used += sizeof(struct page);
    found->report->pages_sent++;
  }
  return true;
}

size_t golden_differences(uint32_t sync, struct report *report, uint8_t *to, size_t place) {
  struct found found = {report, to, 0, place};
  report->cpu_differs = !registers_equal(sync);
  report->devices_differ = !devices_equal(sync);
  (void)visit_differences(sync, list_page, &found);
  return found.used;
}
