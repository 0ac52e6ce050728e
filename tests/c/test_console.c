// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/console.c vmm-c/core/print.c vmm-c/lib/format.c
// include: vmm-c/boards/vexpress-a9
/* Virtual consoles (R3, R35) on simulated UARTs: rings, offsets, mirrored lines, input and its replay after a rollback.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"
#include "core/config.h"
#include "core/console.h"
#include "core/print.h"
#include "core/virq.h"
#include "drivers/gic.h"
#include "drivers/pl011.h"

const struct vm_config config_vms[] = {
    {.name = "vm0", .uart = 0},
    {.name = "one", .uart = 1},
    {.name = "two", .uart = UART_NONE},
};
const uint32_t config_vm_count = 3;

static char sent[BOARD_UART_COUNT][8192];
static size_t sent_count[BOARD_UART_COUNT];
static const char *to_receive[BOARD_UART_COUNT];
static uint32_t raised[3];
static unsigned enabled_irqs;

void uart_init(unsigned n) {
  assert_true(n < BOARD_UART_COUNT);
}

void uart_put(unsigned n, char c) {
  assert_true(sent_count[n] + 1 < sizeof(sent[n]));
  sent[n][sent_count[n]++] = c;
  sent[n][sent_count[n]] = '\0';
}

int uart_get(unsigned n) {
  return to_receive[n] != NULL && *to_receive[n] != '\0' ? (unsigned char)*to_receive[n]++ : -1;
}

void uart_irq_clear(unsigned n) {
  assert_true(n < BOARD_UART_COUNT);
}

void gic_enable(unsigned id) {
  enabled_irqs |= 1u << (id - BOARD_UART_IRQ(0));
}

void virq_raise(unsigned vm, uint32_t lines) {
  raised[vm] |= lines;
}

static int fresh(void **state) {
  (void)state;
  print_fresh_line();
  memset(sent, 0, sizeof(sent));
  memset(sent_count, 0, sizeof(sent_count));
  memset(to_receive, 0, sizeof(to_receive));
  memset(raised, 0, sizeof(raised));
  console_watch(0);
  console_init();
  for (unsigned vm = 0; vm < 3; vm++) {
    console_reset(vm);
  }
  return 0;
}

static void write_text(unsigned vm, const char *text) {
  assert_int_equal(console_write(vm, text, (uint32_t)strlen(text)), strlen(text));
}

static uint32_t end_of_log(unsigned vm) {
  uint32_t oldest;
  char none;
  console_log(vm, 0, &none, 0, &oldest);
  char chunk[64];
  uint32_t at = oldest;
  for (int32_t n = 1; n > 0; at += (uint32_t)n) {
    n = console_log(vm, at, chunk, sizeof(chunk), &oldest);
  }
  return at;
}

static void test_only_used_uarts_are_opened(void **state) {
  (void)state;
  assert_int_equal(enabled_irqs, 0x3);
}

static void test_output_goes_to_the_own_uart(void **state) {
  (void)state;
  write_text(0, "zero\n");
  write_text(1, "one\n");
  write_text(2, "two\n");
  assert_string_equal(sent[0], "zero\n");
  assert_string_equal(sent[1], "one\n");
  assert_string_equal(sent[2], "");
}

static void test_watched_lines_are_whole_and_named(void **state) {
  (void)state;
  write_text(2, "before, half ");
  console_watch(0x7);
  write_text(2, "a line\nnext");
  assert_string_equal(sent[0], "[two] before, half a line\n");
  write_text(1, "x\r\n");
  write_text(2, "\n");
  assert_string_equal(sent[0], "[two] before, half a line\n[one] x\n[two] next\n");
  assert_string_equal(sent[1], "x\r\n");
}

static void test_watched_lines_do_not_break_into_others(void **state) {
  (void)state;
  console_watch(0x4);
  write_text(0, "vm0> sta");
  write_text(2, "hello\n");
  write_text(0, "vm0> sta");
  print("[vmm] fault %u", 3u);
  print(" of %s\n", "two");
  write_text(0, "ok\n");
  write_text(2, "bye\n");
  assert_string_equal(sent[0], "vm0> sta\n[two] hello\nvm0> sta\n[vmm] fault 3 of two\nok\n[two] bye\n");
}

static void test_the_owner_of_uart0_is_not_mirrored(void **state) {
  (void)state;
  console_watch(0x1);
  write_text(0, "once\n");
  assert_string_equal(sent[0], "once\n");
}

static void test_a_line_without_end_is_mirrored_in_pieces(void **state) {
  (void)state;
  console_watch(0x4);
  for (int i = 0; i < 400; i++) {
    write_text(2, "a");
  }
  assert_int_equal(sent_count[0], 2 * (strlen("[two] ") + 160 + 1));
}

static void test_log_by_absolute_offset(void **state) {
  (void)state;
  char data[16];
  uint32_t oldest;
  uint32_t start = end_of_log(2);
  write_text(2, "0123456789");
  assert_int_equal(console_log(2, start, data, 4, &oldest), 4);
  assert_memory_equal(data, "0123", 4);
  assert_int_equal(oldest, start);
  assert_int_equal(console_log(2, start + 4, data, sizeof(data), &oldest), 6);
  assert_memory_equal(data, "456789", 6);
  assert_int_equal(console_log(2, start + 10, data, sizeof(data), &oldest), 0);
  assert_int_equal(console_log(2, start + 11, data, sizeof(data), &oldest), VMI_EINVAL);
}

static void test_log_that_was_overwritten(void **state) {
  (void)state;
  char data[4];
  uint32_t oldest;
  uint32_t start = end_of_log(2);
  for (uint32_t i = 0; i < CONSOLE_OUTPUT_SIZE + 10; i++) {
    write_text(2, i % 2 == 0 ? "a" : "b");
  }
  assert_int_equal(console_log(2, start + 9, data, sizeof(data), &oldest), VMI_ENOENT);
  assert_int_equal(oldest, start + 10);
  assert_int_equal(console_log(2, oldest, data, sizeof(data), &oldest), 4);
  assert_memory_equal(data, "abab", 4);
  console_reset(2);
  assert_int_equal(console_log(2, oldest, data, sizeof(data), &oldest), VMI_ENOENT);
  assert_int_equal(oldest, start + CONSOLE_OUTPUT_SIZE + 10);
}

static void receive(unsigned uart, const char *text) {
  to_receive[uart] = text;
  console_interrupt(uart);
}

static void test_input_reaches_the_owner(void **state) {
  (void)state;
  char data[8];
  receive(1, "hello");
  assert_int_equal(raised[1], VMI_IRQ_CONSOLE);
  assert_int_equal(raised[0] | raised[2], 0);
  assert_int_equal(console_read(1, data, 3), 3);
  assert_memory_equal(data, "hel", 3);
  assert_int_equal(console_read(1, data, 8), 2);
  assert_memory_equal(data, "lo", 2);
  assert_int_equal(console_read(1, data, 8), 0);
}

static void test_input_for_nobody_is_taken_away(void **state) {
  (void)state;
  receive(3, "noise");
  assert_int_equal(*to_receive[3], '\0');
  assert_int_equal(raised[0] | raised[1] | raised[2], 0);
}

static void test_full_input_ring_drops_the_newest(void **state) {
  (void)state;
  char many[CONSOLE_INPUT_SIZE + 3];
  memset(many, 'k', sizeof(many));
  many[0] = 'f';
  many[CONSOLE_INPUT_SIZE] = 'x';
  many[CONSOLE_INPUT_SIZE + 2] = '\0';
  receive(1, many);
  char data[CONSOLE_INPUT_SIZE + 3];
  assert_int_equal(console_read(1, data, sizeof(data)), CONSOLE_INPUT_SIZE);
  assert_int_equal(data[0], 'f');
  assert_int_equal(data[CONSOLE_INPUT_SIZE - 1], 'k');
}

/* D4: input that was read after the checkpoint is read again after the rollback. */
static void test_input_is_replayed(void **state) {
  (void)state;
  char data[8];
  receive(1, "abc");
  console_read(1, data, 1);
  uint32_t position = console_input_position(1);
  console_read(1, data, 8);
  receive(1, "d");
  console_input_rewind(1, position);
  assert_int_equal(console_read(1, data, 8), 3);
  assert_memory_equal(data, "bcd", 3);
}

static void test_replay_is_limited_to_what_the_ring_holds(void **state) {
  (void)state;
  char data[CONSOLE_INPUT_SIZE];
  uint32_t position = console_input_position(1);
  for (int i = 0; i < 3; i++) {
    char many[201];
    memset(many, 'a' + i, 200);
    many[200] = '\0';
    receive(1, many);
    console_read(1, data, 200);
  }
  console_input_rewind(1, position);
  assert_int_equal(console_read(1, data, sizeof(data)), CONSOLE_INPUT_SIZE);
  assert_int_equal(data[0], 'b');
  assert_int_equal(data[CONSOLE_INPUT_SIZE - 1], 'c');
  console_reset(1); /* what went before a restart does not come back */
  console_input_rewind(1, position);
  assert_int_equal(console_read(1, data, sizeof(data)), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_only_used_uarts_are_opened, fresh),
      cmocka_unit_test_setup(test_output_goes_to_the_own_uart, fresh),
      cmocka_unit_test_setup(test_watched_lines_are_whole_and_named, fresh),
      cmocka_unit_test_setup(test_watched_lines_do_not_break_into_others, fresh),
      cmocka_unit_test_setup(test_the_owner_of_uart0_is_not_mirrored, fresh),
      cmocka_unit_test_setup(test_a_line_without_end_is_mirrored_in_pieces, fresh),
      cmocka_unit_test_setup(test_log_by_absolute_offset, fresh),
      cmocka_unit_test_setup(test_log_that_was_overwritten, fresh),
      cmocka_unit_test_setup(test_input_reaches_the_owner, fresh),
      cmocka_unit_test_setup(test_input_for_nobody_is_taken_away, fresh),
      cmocka_unit_test_setup(test_full_input_ring_drops_the_newest, fresh),
      cmocka_unit_test_setup(test_input_is_replayed, fresh),
      cmocka_unit_test_setup(test_replay_is_limited_to_what_the_ring_holds, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
