// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/console.c vmm-c/core/console_output.c vmm-c/core/print.c vmm-c/lib/format.c
// sources: tests/c/fakes/uarts.c
// include: tests/c/fakes vmm-c/boards/vexpress-a9
/* D9: output that is held until a checkpoint, on simulated UARTs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/console.h"
#include "core/fault_log.h"
#include "core/sched.h"
#include "uarts.h"
#include "vmi.h"

/* Held text is seen by nobody until it is committed; then it is sent, but not at once. */
static void test_held_text_leaves_when_it_is_committed(void **state) {
  (void)state;
  char data[8];
  uint32_t oldest;
  uint32_t start = end_of_log(1);
  console_hold(1, true);
  console_watch(0x2);
  write_text(1, "abc\n");
  assert_false(console_release());
  assert_int_equal(console_held(1), 4);
  assert_int_equal(console_log(1, start, data, 8, &oldest), 0);
  assert_false(scheduler.polling);
  console_commit(1);
  assert_true(scheduler.polling);
  assert_int_equal(console_held(1), 0);
  assert_int_equal(console_log(1, start, data, 8, &oldest), 4);
  assert_string_equal(sent[1], "");
  write_text(1, "not yet");
  assert_true(console_release());
  assert_string_equal(sent[1], "abc\n");
  assert_string_equal(sent[0], "[one] abc\n");
  assert_false(console_release());
}

static void test_dropped_text_is_never_seen(void **state) {
  (void)state;
  console_hold(1, true);
  write_text(1, "one ");
  console_commit(1);
  write_text(1, "two ");
  console_drop(1);
  write_text(1, "three");
  console_commit(1);
  assert_true(console_release());
  assert_string_equal(sent[1], "one three");
}

/* D9: what was dropped is found with the fault. */
static void test_last_words(void **state) {
  (void)state;
  const struct vmi_vm_words *last = console_last_words(1);
  char many[601];
  console_hold(1, true);
  assert_int_equal(last->length, 0);
  write_text(1, "fine");
  console_commit(1);
  write_text(1, "help!");
  console_drop(1);
  assert_int_equal(last->fault, 7);
  assert_int_equal(last->dropped, 5);
  assert_int_equal(last->length, 5);
  assert_memory_equal(last->text, "help!", 5);
  console_drop(1); /* a fault before which nothing was said leaves them */
  assert_int_equal(last->length, 5);
  memset(many, 'x', 600);
  many[599] = 'y';
  many[600] = '\0';
  fault_log.next_sequence = 9;
  write_text(1, many);
  console_drop(1);
  fault_log.next_sequence = 7;
  assert_int_equal(last->fault, 9);
  assert_int_equal(last->dropped, 600);
  assert_int_equal(last->length, sizeof(last->text));
  assert_int_equal(last->text[0], 'x');
  assert_int_equal(last->text[last->length - 1], 'y');
  console_reset(1);
  assert_int_equal(last->length, 0);
}

static void fill(unsigned vm, uint32_t n, char ch) {
  char text[256];
  memset(text, ch, sizeof(text));
  for (; n > sizeof(text); n -= (uint32_t)sizeof(text)) {
    assert_true(console_write(vm, text, sizeof(text)));
  }
  assert_true(console_write(vm, text, n));
}

/* Neither lost nor overwritten: the writer is refused until there is room again. */
static void test_ring_full_of_held_text(void **state) {
  (void)state;
  console_hold(1, true);
  fill(1, CONSOLE_HELD_MAX - 1, 'a');
  assert_false(console_write(1, "bb", 2));
  assert_true(console_write(1, "b", 1));
  assert_false(console_write(1, "c", 1));
  assert_int_equal(console_held(1), CONSOLE_HELD_MAX);
  uart_full = true;
  console_commit(1);
  assert_false(console_write(1, "c", 1)); /* committed, but it has not left */
  uart_full = false;
  assert_true(console_write(1, "c", 1));
  for (uint32_t before = 0; before != sent_count[1];) {
    assert_in_range(sent_count[1] - before, 1, 256); /* interrupts do not wait for more */
    before = sent_count[1];
    (void)console_release();
  }
  assert_false(console_release());
  assert_int_equal(sent_count[1], CONSOLE_HELD_MAX);
  assert_int_equal(sent[1][CONSOLE_HELD_MAX - 1], 'b');
}

/* A UART that is busy makes nobody wait; text of others goes on. */
static void test_release_does_not_wait(void **state) {
  (void)state;
  console_hold(1, true);
  console_hold(2, true);
  console_watch(0x4);
  write_text(1, "slow");
  write_text(2, "fast\n");
  console_commit(1);
  console_commit(2);
  uart_full = true;
  assert_true(console_release());
  assert_string_equal(sent[1], "");
  assert_string_equal(sent[0], "[two] fast\n");
  assert_true(console_release());
  console_flush();
  assert_string_equal(sent[1], "slow");
  assert_false(console_release());
}

/* Positions go back, but what the dropped text has overwritten is gone from the log. */
static void test_log_after_dropped_text(void **state) {
  (void)state;
  char data[4];
  uint32_t oldest;
  uint32_t start = end_of_log(2);
  fill(2, CONSOLE_OUTPUT_SIZE, 'a');
  console_hold(2, true);
  fill(2, 100, 'b');
  console_drop(2);
  assert_int_equal(console_log(2, start + 99, data, 4, &oldest), VMI_ENOENT);
  assert_int_equal(oldest, start + 100);
  assert_int_equal(console_log(2, start + 100, data, 4, &oldest), 4);
  assert_memory_equal(data, "aaaa", 4);
  assert_int_equal(end_of_log(2), start + CONSOLE_OUTPUT_SIZE);
}

/* A VM that is created anew finds no text of its former life, which has left. */
static void test_committed_text_survives_a_reset(void **state) {
  (void)state;
  console_hold(1, true);
  write_text(1, "bye");
  console_commit(1);
  console_reset(1);
  assert_string_equal(sent[1], "bye");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_held_text_leaves_when_it_is_committed, uarts_fresh),
      cmocka_unit_test_setup(test_dropped_text_is_never_seen, uarts_fresh),
      cmocka_unit_test_setup(test_last_words, uarts_fresh),
      cmocka_unit_test_setup(test_ring_full_of_held_text, uarts_fresh),
      cmocka_unit_test_setup(test_release_does_not_wait, uarts_fresh),
      cmocka_unit_test_setup(test_log_after_dropped_text, uarts_fresh),
      cmocka_unit_test_setup(test_committed_text_survives_a_reset, uarts_fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
