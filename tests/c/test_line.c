// SPDX-License-Identifier: Apache-2.0
// sources: guests/vm0/line.c guests/vm0/history.c
/* R3: the line editor of the console against a simulated terminal: the screen always shows text and cursor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vm0/line.h"

#define UP "\x1b[A"
#define DOWN "\x1b[B"
#define RIGHT "\x1b[C"
#define LEFT "\x1b[D"

struct screen {
  char row[LINE_SIZE + 1]; /* the row the cursor is in */
  size_t column;
};

static struct line line;
static struct screen screen;

static void screen_put(char c) {
  if (c == '\b') {
    assert_true(screen.column > 0);
    screen.column--;
  } else if (c == '\n') {
    memset(&screen, 0, sizeof(screen));
  } else if (c != '\a') {
    assert_true(c >= ' ' && c <= '~');
    assert_true(screen.column < LINE_SIZE);
    screen.row[screen.column++] = c;
  }
}

/* What the screen shows, without blanks at the end that both may or may not have. */
static void assert_screen_shows_line(void) {
  size_t shown = strlen(screen.row);

  assert_memory_equal(screen.row, line.text, line.length);
  for (size_t i = line.length; i < shown; i++) {
    assert_int_equal(screen.row[i], ' ');
  }
  assert_int_equal(screen.column, line.cursor);
  assert_int_equal(strlen(line.text), line.length);
}

static enum line_event feed(char c) {
  enum line_event event = line_feed(&line, c);

  assert_true(line.echo_length < sizeof(line.echo));
  for (size_t i = 0; i < line.echo_length; i++) {
    screen_put(line.echo[i]);
  }
  if (event == LINE_EDITING) {
    assert_screen_shows_line();
  }
  return event;
}

static void type(const char *keys) {
  for (; *keys != '\0'; keys++) {
    assert_int_equal(feed(*keys), LINE_EDITING);
  }
}

static void enter(const char *keys) {
  type(keys);
  assert_int_equal(feed('\r'), LINE_READY);
  line_restart(&line);
}

static void assert_line(const char *text, size_t cursor) {
  assert_string_equal(line.text, text);
  assert_int_equal(line.cursor, cursor);
}

static int setup(void **state) {
  (void)state;
  line_init(&line);
  memset(&screen, 0, sizeof(screen));
  return 0;
}

static void test_plain_line(void **state) {
  (void)state;
  type("list");
  assert_int_equal(feed('\r'), LINE_READY);
  assert_string_equal(line.text, "list");
  line_restart(&line);
  assert_line("", 0);
}

static void test_line_ends(void **state) {
  (void)state;
  type("a");
  assert_int_equal(feed('\r'), LINE_READY);
  line_restart(&line);
  assert_int_equal(feed('\n'), LINE_EDITING); /* belongs to the '\r' */
  assert_int_equal(feed('\n'), LINE_READY);
}

static void test_backspace(void **state) {
  (void)state;
  type("\b\x7f");
  assert_line("", 0);
  type("boot\b\x7f");
  assert_line("bo", 2);
  type(LEFT "\b");
  assert_line("o", 0);
}

static void test_moving_and_inserting(void **state) {
  (void)state;
  type("start" LEFT LEFT LEFT "X");
  assert_line("stXart", 3);
  type("\x1b[H[");
  assert_line("[stXart", 1);
  type("\x1b[F]");
  assert_line("[stXart]", 8);
  type("\x1b[1~" RIGHT "\x1b[3~");
  assert_line("[tXart]", 1);
  type("\x1b[4~\x1bOD");
  assert_line("[tXart]", 6);
  type(RIGHT RIGHT RIGHT);
  assert_line("[tXart]", 7);
}

static void test_erasing(void **state) {
  (void)state;
  type("faults last 10\x17");
  assert_line("faults last ", 12);
  type("\x17");
  assert_line("faults ", 7);
  type(LEFT LEFT "\x15");
  assert_line("s ", 0);
  type("\x0b");
  assert_line("", 0);
  type("\x17\x15\x0b\x04");
  assert_line("", 0);
}

static void test_cancel(void **state) {
  (void)state;
  type("destroy guest1" LEFT);
  assert_int_equal(feed('\x03'), LINE_CANCELLED);
  line_restart(&line);
  type(UP);
  assert_line("", 0); /* a cancelled line is not in the history */
}

static void test_history(void **state) {
  (void)state;
  enter("one");
  enter("two");
  enter("two");
  enter("");
  type("dra" UP);
  assert_line("two", 3);
  type(UP UP UP);
  assert_line("one", 3);
  type(DOWN);
  assert_line("two", 3);
  type(DOWN DOWN);
  assert_line("dra", 3);
  enter(UP UP "!");
  type(UP);
  assert_line("one!", 4);
}

static void test_history_is_bounded(void **state) {
  char text[2] = "a";

  (void)state;
  for (int i = 0; i < HISTORY_LINES + 5; i++, text[0]++) {
    enter(text);
  }
  for (int i = 0; i < 2 * HISTORY_LINES; i++) {
    type(UP);
  }
  assert_line("f", 1); /* 'a' + 5 */
}

static void test_long_line(void **state) {
  (void)state;
  for (int i = 0; i < 2 * LINE_SIZE; i++) {
    assert_int_equal(feed('x'), LINE_EDITING);
  }
  assert_int_equal(line.length, LINE_SIZE - 1);
  type(UP DOWN "\x1b[H"
               "y");
  assert_int_equal(line.text[0], 'x');
  enter("");
  type(UP);
  assert_int_equal(line.length, LINE_SIZE - 1);
}

static void test_unknown_keys(void **state) {
  (void)state;
  type("a\x1b[5~\x1b[12~\x1b[1;5Cb\x01\x05\t\x1b\x1bZ");
  assert_line("ab", 2);
  feed('\x1b');
  feed('[');
  assert_int_equal(feed('\x03'), LINE_CANCELLED); /* gets out of a half escape sequence */
}

/* Any bytes at all: no memory error (sanitizers), and the screen is right after each of them. */
static void test_any_bytes(void **state) {
  static const char favourites[] = "abc  \b\x15\x17\x0b\x01\x05\x1b[ABCDHF13~\x04\r";

  (void)state;
  srand(1);
  for (int i = 0; i < 200000; i++) {
    char c = rand() % 4 == 0 ? (char)rand() : favourites[(size_t)rand() % (sizeof(favourites) - 1)];

    if (feed(c) != LINE_EDITING) {
      line_restart(&line);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_plain_line, setup), cmocka_unit_test_setup(test_line_ends, setup),
      cmocka_unit_test_setup(test_backspace, setup),  cmocka_unit_test_setup(test_moving_and_inserting, setup),
      cmocka_unit_test_setup(test_erasing, setup),    cmocka_unit_test_setup(test_cancel, setup),
      cmocka_unit_test_setup(test_history, setup),    cmocka_unit_test_setup(test_history_is_bounded, setup),
      cmocka_unit_test_setup(test_long_line, setup),  cmocka_unit_test_setup(test_unknown_keys, setup),
      cmocka_unit_test_setup(test_any_bytes, setup),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
