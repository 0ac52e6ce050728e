/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state is the registers, the device registers and all of the ranges of RAM, in this order, with the parts at
 * multiples of the page size. Comparing takes only the pages that may differ: those that this process has written since
 * it was forked, which Linux knows (pagemap, bit 56: nobody else maps it), and those that the golden run had written.
 */
#include "golden.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "experiment.h"
#include "internals.h"
#include "machine.h"

enum { RANGE_MAX = 16, DEVICES_MAX = 2 * PAGE };
#define EXCLUSIVE (UINT64_C(1) << 56)

bool compare_all_pages;
static uint8_t *states;
static size_t state_size;
static uint8_t *changed;                /* for each sync and page whether the golden run had changed it */
static const uint8_t *ram[RANGE_MAX]; /* where QEMU keeps the ranges */
static size_t page_count;

static size_t devices_read(uint8_t *to) {
  size_t at = 0;
  for (uint32_t i = 0; i < plan.setup.devices; i++) {
    for (uint64_t offset = 0; offset < plan.devices[i].size && at < DEVICES_MAX; offset += sizeof(uint32_t)) {
      ram_read(plan.devices[i].base + offset, to + at, sizeof(uint32_t));
      at += sizeof(uint32_t);
    }
  }
  return at;
}

static uint8_t *state_of(uint32_t sync) {
  return states + state_size * sync;
}

static uint8_t *ram_of(uint32_t sync) {
  return state_of(sync) + REGISTERS_MAX + DEVICES_MAX;
}

bool golden_open(const char *path) {
  state_size = REGISTERS_MAX + DEVICES_MAX;
  page_count = 0;
  if (plan.setup.ranges > RANGE_MAX) {
    return false;
  }
  for (uint32_t i = 0; i < plan.setup.ranges; i++) {
    state_size += plan.ranges[i].size;
    page_count += plan.ranges[i].size / PAGE;
    ram[i] = machine_ram(plan.ranges[i].base, plan.ranges[i].size);
    if (ram[i] == NULL) {
      return false;
    }
  }
  size_t size = state_size * plan.setup.syncs;
  int fd = open(path, O_RDWR | O_CREAT, 0600);
  struct stat status;
  bool good = fd >= 0 && fstat(fd, &status) == 0 && ((size_t)status.st_size >= size || ftruncate(fd, (off_t)size) == 0);
  states = good ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  close(fd);
  changed = calloc(plan.setup.syncs, page_count);
  return states != MAP_FAILED && changed != NULL;
}

void golden_learn(void) {
  for (uint32_t sync = 0; sync < plan.setup.syncs; sync++) {
    const uint8_t *golden = ram_of(sync);
    uint8_t *flags = changed + page_count * sync;
    for (uint32_t i = 0; i < plan.setup.ranges; i++) {
      for (size_t at = 0; at < plan.ranges[i].size; at += PAGE, golden += PAGE) {
        *flags++ = memcmp(golden, ram[i] + at, PAGE) != 0;
      }
    }
  }
}

void golden_keep(uint32_t sync) {
  uint8_t *to = ram_of(sync);
  machine_registers(state_of(sync));
  devices_read(state_of(sync) + REGISTERS_MAX);
  for (uint32_t i = 0; i < plan.setup.ranges; i++) {
    memcpy(to, ram[i], plan.ranges[i].size);
    to += plan.ranges[i].size;
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
  const uint8_t *golden = ram_of(sync);
  const uint8_t *flags = changed + page_count * sync;
  for (uint32_t i = 0; i < plan.setup.ranges; i++) {
    const struct range *range = &plan.ranges[i];
    size_t count = range->size / PAGE;
    written_pages(range, ram[i], entries);
    for (size_t page = 0; page < count; page++) {
      const uint8_t *mine = ram[i] + page * PAGE;
      bool suspect = (entries[page] & EXCLUSIVE) != 0 || flags[page];
      if (suspect && memcmp(mine, golden + page * PAGE, PAGE) != 0 &&
          !visit(range->base + page * PAGE, mine, argument)) {
        return false;
      }
    }
    golden += range->size;
    flags += count;
  }
  return true;
}

static bool found_one(uint64_t address, const uint8_t *data, void *argument) {
  (void)address;
  (void)data;
  (void)argument;
  return false;
}

bool golden_equals(uint32_t sync) {
  return registers_equal(sync) && visit_differences(sync, found_one, NULL) && devices_equal(sync);
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
