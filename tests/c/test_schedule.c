// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/drivers/global_timer.c
// include: tests/c/fakes vmm-c/boards/vexpress-a9
/* R24: when a checkpoint is due. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "drivers/mmio.h"
#include "recovery/schedule.h"

#define MS (BOARD_TIMER_CLOCK_HZ / 1000u)

static uint32_t now;

uint32_t mmio_read(uint32_t address) {
  return address == BOARD_GLOBAL_TIMER_BASE ? now : 0;
}

void mmio_write(uint32_t address, uint32_t value) {
  (void)address;
  (void)value;
}

static void test_switches(void **state) {
  const struct schedule third = {.switches = 3};
  uint16_t left;
  uint32_t since;
  (void)state;
  schedule_begin(&third, &left, &since);
  for (unsigned i = 1; i <= 9; i++) {
    now += 100000u * MS; /* time does not matter */
    assert_int_equal(schedule_due(&third, &left, &since), i % 3u == 0);
  }
  assert_true(schedule_has_end(&third));
}

/* The first switch after the interval, not a later one; then the interval starts anew. The counter wraps around. */
static void test_interval(void **state) {
  const struct schedule timed = {.interval_ms = 20};
  uint16_t left;
  uint32_t since;
  (void)state;
  now = 0u - 5u * MS;
  schedule_begin(&timed, &left, &since);
  for (unsigned ms = 7; ms <= 140; ms += 7) { /* a switch every 7 ms: due at every third */
    now += 7u * MS;
    assert_int_equal(schedule_due(&timed, &left, &since), ms % 21u == 0);
  }
  now = since + 20u * MS - 1u;
  assert_false(schedule_due(&timed, &left, &since));
  now++;
  assert_true(schedule_due(&timed, &left, &since));
  assert_true(schedule_has_end(&timed));
}

static void test_request(void **state) {
  const struct schedule request = {0};
  uint16_t left;
  uint32_t since;
  (void)state;
  schedule_begin(&request, &left, &since);
  for (unsigned i = 0; i < 70000u; i++) {
    now += 10u * MS;
    assert_false(schedule_due(&request, &left, &since));
  }
  assert_false(schedule_has_end(&request));
}

/* policy.tasks is about the tasks of the configured guest. */
static void test_task_of_another_guest(void **state) {
  static const struct schedule own[] = {{.switches = 1}, {.switches = 2}};
  static const struct guest_config guests[2];
  const struct vm_config config = {.guest = &guests[0], .task_schedules = own, .task_schedule = {.switches = 5}};
  static struct vm vm;
  (void)state;
  vm.config = &config;
  vm.guest = &guests[0];
  assert_int_equal(task_schedule(&vm, 1)->switches, 2);
  vm.guest = &guests[1];
  assert_int_equal(task_schedule(&vm, 1)->switches, 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_switches),
      cmocka_unit_test(test_interval),
      cmocka_unit_test(test_request),
      cmocka_unit_test(test_task_of_another_guest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
