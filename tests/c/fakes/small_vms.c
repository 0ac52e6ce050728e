/* SPDX-License-Identifier: Apache-2.0 */
#include "small_vms.h"

#include <string.h>

#include "core/channel.h"
#include "core/fault_log.h"
#include "core/console.h"
#include "core/sched.h"
#include "guest.h"
#include "guest_random.h"
#include "lib/crc32.h"
#include "machine.h"

#define PAGE 0x1000u
#define PARTITION 0xc0000u
#define TEXT_OFFSET 0u
#define DATA_OFFSET 0x1000u
#define STACK_OFFSET 0x10000u
#define DATA_FILE 0x1234u /* part of the data comes from the image, the rest is zero */
#define SEGMENTS_MAX 16u
#define LAYOUT 0x1a7u /* hash of persistent memory */
#define WINDOW_MS 1u

static struct segment_config segments[SEGMENTS_MAX];
static struct segment_config *next_segment;
static bool unsaved;
static uint8_t text[PAGE] __attribute__((aligned(4)));
static uint8_t data[2u * PAGE];
static const char *const task_names[] = {"a", "b", "c"};
static struct guest_config console_guest = {.name = "vm0", .segments = segments};
static const uint32_t no_watchdogs[SMALL_TASKS];
static struct guest_config task_guest = {.name = "tasks",
                                         .segments = segments,
                                         .task_names = task_names,
                                         .task_count = SMALL_TASKS,
                                         .task_watchdogs = no_watchdogs};
static struct vm_config settings[SMALL_VMS];
static struct schedule task_schedules[SMALL_TASKS];

struct small_page small_pages[SMALL_PAGES];
unsigned small_page_count;

const char config_build_id[] = "test";
const char config_system_name[] = "small";
const uint32_t config_tick_us = 1000;
const uint32_t config_housekeeping_ticks __attribute__((weak)) = 1;
const uint32_t config_scrub_bytes = 0;
const struct guest_config *const config_guests[] = {&console_guest, &task_guest};
const uint32_t config_guest_count = 2;
const struct vm_config config_vms[] = {
    {.name = "vm0", .guest = &console_guest, .management = true, .uart = 0},
    {.name = "vm1", .guest = &task_guest, .uart = 1},
    {.name = "vm2", .guest = &task_guest, .uart = 2},
};
const uint32_t config_vm_count = SMALL_VMS;
const struct standby_config config_standbys[1] __attribute__((weak)); /* test_standby.c has a pair */
const uint32_t config_standby_count __attribute__((weak)) = 0;
const struct channel_config config_channels[] = {{{1, 2}}};
const uint32_t config_channel_count = 1;

const policy_chooser small_choosers[SMALL_CHOOSERS] = {small_undo, small_eager, small_full, small_mixed};

enum save_policy small_undo(void) {
  return SAVE_UNDO;
}

enum save_policy small_eager(void) {
  return SAVE_EAGER;
}

enum save_policy small_full(void) {
  return SAVE_FULL;
}

enum save_policy small_mixed(void) {
  static const enum save_policy policies[] = {SAVE_UNDO, SAVE_EAGER, SAVE_FULL};
  return policies[random_below(3)];
}

static void add_pages(const struct segment_config *segment) {
  for (uint32_t offset = 0; offset < segment->mem_size; offset += PAGE) {
    struct small_page *page = &small_pages[small_page_count++];
    *page = (struct small_page){.va = segment->va + offset,
                                .stack_base = segment->stack ? segment->va : 0,
                                .policy = segment->policy,
                                .persistent = segment->persistent != 0};
    for (uint32_t i = 0; i < PAGE && offset + i < segment->file_size; i++) {
      page->content[i] = segment->data[offset + i];
    }
  }
}

static void add(struct segment_config segment) {
  segment.crc = crc32(0, segment.data, segment.file_size);
  *next_segment = segment;
  if (segment.writable) {
    add_pages(&segment);
  }
  next_segment++;
}

/* The data of the shared window and of the first task may be no part of checkpoints. */
static enum save_policy data_policy(uint32_t base, enum save_policy chosen) {
  return unsaved && (base == VMI_SHARED_BASE || base == VMI_TASK_BASE) ? SAVE_NONE : chosen;
}

static void add_window(uint32_t base, policy_chooser choose, bool stack) {
  add((struct segment_config){
      .va = base + TEXT_OFFSET, .mem_size = PAGE, .file_size = PAGE, .data = text, .executable = true});
  add((struct segment_config){.va = base + DATA_OFFSET,
                              .mem_size = sizeof data,
                              .file_size = DATA_FILE,
                              .data = data,
                              .writable = true,
                              .persistent = base == VMI_KERNEL_BASE ? 0 : LAYOUT,
                              .policy = data_policy(base, choose())});
  if (stack) {
    add((struct segment_config){
        .va = base + STACK_OFFSET, .mem_size = SMALL_STACK_SIZE, .writable = true, .stack = true, .policy = choose()});
  }
}

static void fill_images(void) {
  const struct vmi_header header = {.magic = VMI_HEADER_MAGIC,
                                    .abi_version = VMI_ABI_VERSION,
                                    .stack_top = small_stack_top(KERNEL_THREAD),
                                    .pure_calls = 1u << (SMALL_PURE_CALL - VMI_GUEST_CALL)};
  text[3] = 0xea; /* the reset vector: B to the third instruction */
  memcpy(text + VMI_HEADER_OFFSET, &header, sizeof header);
  for (unsigned i = 0; i < sizeof data; i++) {
    data[i] = (uint8_t)(i * 7u + 1u);
  }
}

static const struct policy_config policy = {
    .on = {[0 ... VMI_CLASS_COUNT - 1] = VMI_ACTION_TASK_ROLLBACK},
    .steps =
        {
            [VMI_ACTION_TASK_ROLLBACK] = {3, WINDOW_MS, VMI_ACTION_VM_ROLLBACK},
            [VMI_ACTION_VM_ROLLBACK] = {3, WINDOW_MS, VMI_ACTION_OLDER_GENERATION},
            [VMI_ACTION_OLDER_GENERATION] = {3, WINDOW_MS, VMI_ACTION_COLD_RESTART},
            [VMI_ACTION_COLD_RESTART] = {2, WINDOW_MS, VMI_ACTION_VM_STOP},
            [VMI_ACTION_VM_STOP] = {VMI_POLICY_FOREVER, WINDOW_MS, VMI_ACTION_SYSTEM_HALT},
        },
};

static void configure_vm(unsigned i, uint32_t base, uint32_t vm_period, uint32_t task_period, unsigned generations,
                         bool checksum) {
  memset(&vms[i], 0, sizeof vms[i]);
  settings[i] = config_vms[i];
  settings[i].memory_base = base + i * PARTITION;
  settings[i].memory_size = PARTITION;
  settings[i].priority = 10;
  settings[i].slice_ticks = 1;
  settings[i].fault_tolerant = i != 0;
  settings[i].schedule = (struct schedule){.switches = (uint16_t)vm_period};
  for (unsigned task = 0; task < SMALL_TASKS; task++) {
    task_schedules[task] = (struct schedule){.switches = (uint16_t)(task_period == 0 ? task : task_period)};
  }
  settings[i].task_schedules = task_schedules;
  settings[i].output_commit = i != 0 && random_below(4) != 0;
  settings[i].checksum = i != 0 && checksum;
  settings[i].missed_ticks_max = 5;
  settings[i].policy = policy;
  settings[i].generations = (uint8_t)generations;
  vms[i].index = (uint8_t)i;
  vms[i].config = &settings[i];
  vms[i].partition = &settings[i];
  vms[i].guest = config_vms[i].guest;
}

void small_configure(policy_chooser choose, uint32_t vm_period, uint32_t task_period, unsigned generations,
                     bool unsaved_regions, bool protect_vm2) {
  static uint32_t memory;
  static bool channels_known;
  if (memory == 0) {
    memory = machine_memory(SMALL_VMS * PARTITION);
  }
  if (!channels_known) {
    channel_init();
    channels_known = true;
  }
  fault_log_open(1, 1);
  fill_images();
  unsaved = unsaved_regions;
  small_page_count = 0;
  next_segment = segments;
  add_window(VMI_KERNEL_BASE, choose, true);
  add_window(VMI_SHARED_BASE, choose, false);
  console_guest.segment_count = (uint32_t)(next_segment - segments);
  for (unsigned task = 0; task < SMALL_TASKS; task++) {
    add_window(VMI_TASK_BASE + task * VMI_WINDOW_SIZE, choose, true);
  }
  task_guest.segment_count = (uint32_t)(next_segment - segments);
  small_pages[small_page_count++] = (struct small_page){.va = VMI_CHANNEL_BASE, .policy = SAVE_UNDO};
  bool checksum = random_seed() * 0x9e3779b9u >> 31 != 0;
  for (unsigned i = 0; i < SMALL_VMS; i++) {
    configure_vm(i, memory, vm_period, task_period, generations, checksum);
  }
  settings[2].fault_tolerant = protect_vm2;
  settings[0].policy.steps[VMI_ACTION_COLD_RESTART].budget = VMI_POLICY_FOREVER; /* VM0 starts the others */
  for (unsigned i = 0; i < SMALL_VMS; i++) {
    health_init(&vms[i].health, &settings[i].policy, settings[i].checksum);
  }
  current_vm = NULL;
  console_init();
  sched_init();
}

void small_power_on(void) {
  uint32_t addresses[64];
  machine_reset(addresses, small_mapped(addresses));
  for (unsigned i = 0; i < SMALL_VMS; i++) {
    CHECK(vm_create(&vms[i], vms[i].config->guest) == VMI_OK, "VM %u is not created", i);
    CHECK(vm_start(&vms[i]) == VMI_OK, "VM %u does not start", i);
  }
  guest_boot();
}

void small_power_off(void) {
  for (unsigned i = 0; i < SMALL_VMS; i++) {
    (void)vm_destroy(&vms[i]);
  }
}

uint32_t small_stack_top(unsigned thread) {
  uint32_t base = thread == KERNEL_THREAD ? VMI_KERNEL_BASE : VMI_TASK_BASE + thread * VMI_WINDOW_SIZE;
  return base + STACK_OFFSET + SMALL_STACK_SIZE;
}

int small_page(uint32_t va) {
  for (unsigned i = 0; i < small_page_count; i++) {
    if (va - small_pages[i].va < PAGE) {
      return (int)i;
    }
  }
  return -1;
}

int small_task(uint32_t va) {
  uint32_t task = va / VMI_WINDOW_SIZE - VMI_TASK_BASE / VMI_WINDOW_SIZE;
  return task < SMALL_TASKS ? (int)task : -1;
}

unsigned small_mapped(uint32_t *addresses) {
  unsigned count = 0;
  for (unsigned i = 0; i < small_page_count; i++) {
    addresses[count++] = small_pages[i].va;
  }
  for (unsigned window = 1; window < 3u + SMALL_TASKS; window++) {
    addresses[count++] = window * VMI_WINDOW_SIZE;
  }
  addresses[count++] = VMI_VCPU_PAGE;
  addresses[count++] = VMI_INFO_PAGE;
  addresses[count++] = VMI_CHANNEL_BASE + PAGE;
  return count;
}
