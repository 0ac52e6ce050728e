// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/console.c vmm-c/core/console_output.c vmm-c/core/print.c vmm-c/lib/format.c
// sources: tests/c/fakes/uarts.c
// include: tests/c/fakes vmm-c/boards/vexpress-a9
/* Virtual consoles (R3, R35) on simulated UARTs: rings, offsets, mirrored lines, input and its replay after a rollback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/console.h"
#include "core/print.h"
#include "uarts.h"
#include "vmi.h"

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
  write_text(0, "\rvm0> sta");
  print("[vmm] fault %u", 3u);
  print(" of %s\n", "two");
  write_text(0, "ts\n");
  write_text(2, "bye\n");
  write_text(0, "ok\n");
  assert_string_equal(sent[0], "vm0> sta\n[two] hello\n\rvm0> sta\n[vmm] fault 3 of two\nvm0> stats\n[two] bye\nok\n");
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
  assert_int_equal(console_input_lost(1), 2);
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

/* D9: a checkpoint may return to what was read already, so that is not overwritten; the newest is lost, and counted. */
static void test_input_since_the_checkpoint_is_kept(void **state) {
  (void)state;
  char many[201];
  char data[CONSOLE_INPUT_SIZE];
  uint32_t position = console_input_position(1);
  console_input_keep(1, position);
  for (char c = 'a'; c < 'c'; c++) {
    memset(many, c, 200);
    many[200] = '\0';
    receive(1, many);
    console_read(1, data, 200);
  }
  assert_int_equal(console_input_lost(1), 400 - CONSOLE_INPUT_SIZE);
  console_input_rewind(1, position);
  assert_int_equal(console_read(1, data, sizeof(data)), CONSOLE_INPUT_SIZE);
  assert_int_equal(data[0], 'a');
  assert_int_equal(data[199], 'a');
  assert_int_equal(data[200], 'b');
  console_input_keep(1, console_input_position(1));
  receive(1, "again");
  assert_int_equal(console_read(1, data, sizeof(data)), 5);
  assert_int_equal(console_input_lost(1), 400 - CONSOLE_INPUT_SIZE);
}

/* An older checkpoint than the one that is kept for: what is gone is counted. */
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
    console_input_keep(1, console_input_position(1));
  }
  console_input_rewind(1, position);
  assert_int_equal(console_input_lost(1), 600 - CONSOLE_INPUT_SIZE);
  assert_int_equal(console_read(1, data, sizeof(data)), CONSOLE_INPUT_SIZE);
  assert_int_equal(data[0], 'b');
  assert_int_equal(data[CONSOLE_INPUT_SIZE - 1], 'c');
  console_reset(1); /* what went before a restart does not come back */
  console_input_rewind(1, position);
  assert_int_equal(console_read(1, data, sizeof(data)), 0);
}

static void test_input_that_waits(void **state) {
  (void)state;
  char data[2];
  assert_false(console_input_waits(1));
  receive(1, "ab");
  assert_true(console_input_waits(1));
  console_read(1, data, 2);
  assert_false(console_input_waits(1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_only_used_uarts_are_opened, uarts_fresh),
      cmocka_unit_test_setup(test_output_goes_to_the_own_uart, uarts_fresh),
      cmocka_unit_test_setup(test_watched_lines_are_whole_and_named, uarts_fresh),
      cmocka_unit_test_setup(test_watched_lines_do_not_break_into_others, uarts_fresh),
      cmocka_unit_test_setup(test_the_owner_of_uart0_is_not_mirrored, uarts_fresh),
      cmocka_unit_test_setup(test_a_line_without_end_is_mirrored_in_pieces, uarts_fresh),
      cmocka_unit_test_setup(test_log_by_absolute_offset, uarts_fresh),
      cmocka_unit_test_setup(test_log_that_was_overwritten, uarts_fresh),
      cmocka_unit_test_setup(test_input_reaches_the_owner, uarts_fresh),
      cmocka_unit_test_setup(test_input_for_nobody_is_taken_away, uarts_fresh),
      cmocka_unit_test_setup(test_full_input_ring_drops_the_newest, uarts_fresh),
      cmocka_unit_test_setup(test_input_is_replayed, uarts_fresh),
      cmocka_unit_test_setup(test_input_since_the_checkpoint_is_kept, uarts_fresh),
      cmocka_unit_test_setup(test_replay_is_limited_to_what_the_ring_holds, uarts_fresh),
      cmocka_unit_test_setup(test_input_that_waits, uarts_fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
