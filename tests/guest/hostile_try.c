/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile.h"

static uint32_t canary[CANARY_WORDS] __attribute__((aligned(8)));

/* Values of the canary are set at run time: they are addresses of this side's own memory. */
static const uint32_t values[] = {
    0,
    1,
    2,
    3,
    VMI_TASK_KERNEL,
    0x100,
    0xffffffff,
    0x7fffffff,
    0x80000000,
    0xffffff00,
    VMI_KERNEL_BASE,
    VMI_KERNEL_BASE + 2,
    VMI_VCPU_PAGE + 0xfff, /* one byte before the end of a window */
    VMI_SHARED_BASE,
    VMI_TASK_BASE,
    VMI_TASK_BASE + 0x21,
    VMI_TASK_BASE + VMI_WINDOW_SIZE,
    VMI_TASK_BASE + VMI_WINDOW_SIZE - 4,
    VMI_TASK_BASE + 5 * VMI_WINDOW_SIZE,
    VMI_INFO_PAGE,
    VMI_INFO_PAGE + 0xffd,
    VMI_CHANNEL_BASE,
    0x0ffffffc,
    0x10009000, /* UART 0 */
    0x1e000200, /* global timer */
    0x60000000, /* the VMM */
    0x60008001,
    0x67fffffc, /* end of the RAM */
    0xfffffffc,
};

#define FIXED_COUNT (sizeof(values) / sizeof(values[0]))

uint32_t hostile_value_count(void) {
  return FIXED_COUNT + 3;
}

uint32_t hostile_value(uint32_t i) {
  uint32_t base = (uint32_t)(uintptr_t)canary;

  if (i < FIXED_COUNT) {
    return values[i];
  }
  return base + (i - FIXED_COUNT); /* aligned and unaligned */
}

static bool canary_is(uint32_t seed) {
  for (uint32_t i = 0; i < CANARY_WORDS; i++) {
    if (canary[i] != seed + i) {
      return false;
    }
  }
  return true;
}

static void canary_set(uint32_t seed) {
  for (uint32_t i = 0; i < CANARY_WORDS; i++) {
    canary[i] = seed + i;
  }
}

static void describe(const struct report *report, uint32_t number, const uint32_t a[4], int32_t value) {
  print("\nTEST %s FAIL call 0x%x(0x%x, 0x%x, 0x%x, 0x%x) gave %d\n", report->name, (unsigned)number, (unsigned)a[0],
        (unsigned)a[1], (unsigned)a[2], (unsigned)a[3], (int)value);
}

bool hostile_try(struct report *report, enum hostile_caller caller, uint32_t number, const uint32_t arguments[4]) {
  const uint32_t seed = 0xca000000u + number * 256;
  int32_t value;
  bool refused;
  bool ok;

  canary_set(seed);
  value = vmi_call(number, arguments[0], arguments[1], arguments[2], arguments[3]).value;
  refused = value < 0 && value >= VMI_ENOMEM && number != VMI_TIME && number != VMI_WAIT;
  ok = hostile_answer_valid(caller, number, value) && (!refused || canary_is(seed));
  report->checks++;
  if (!ok && report->failures++ < 5) {
    describe(report, number, arguments, value);
  }
  return ok;
}

static uint32_t next_random(void) {
  static uint32_t random = 20261121;

  random = random * 1664525u + 1013904223u;
  return random >> 8;
}

/* Every value in one place, everything in the others. */
static void try_place(struct report *report, enum hostile_caller caller, uint32_t number, unsigned place,
                      bool (*prepare)(uint32_t number)) {
  for (uint32_t i = 0; i < hostile_value_count(); i++) {
    for (uint32_t repeat = 0; repeat < 4; repeat++) {
      uint32_t arguments[4];

      for (unsigned k = 0; k < 4; k++) {
        arguments[k] = hostile_value(next_random() % hostile_value_count());
      }
      arguments[place] = hostile_value(i);
      if (prepare(number)) {
        (void)hostile_try(report, caller, number, arguments);
      }
    }
  }
}

void hostile_numbers(struct report *report, enum hostile_caller caller, uint32_t from, uint32_t to,
                     bool (*prepare)(uint32_t number)) {
  for (uint32_t number = from; number < to; number++) {
    unsigned places = number < VMI_CALL_COUNT ? 4 : 1; /* what has no meaning reads no argument */

    for (unsigned place = 0; place < places; place++) {
      try_place(report, caller, number, place, prepare);
    }
  }
}
