/* SPDX-License-Identifier: Apache-2.0 */
#include "vm0/line.h"

#include "lib/string.h"

#define CONTROL(letter) ((letter) - '@')
#define ESCAPE '\x1b'
#define RUBOUT '\x7f'

typedef void key_action(struct line *line);

static void echo_char(struct line *line, char c) {
  if (line->echo_length < sizeof(line->echo)) {
    line->echo[line->echo_length++] = c;
  }
}

static void echo_repeated(struct line *line, char c, size_t count) {
  for (; count != 0; count--) {
    echo_char(line, c);
  }
}

static void echo_text(struct line *line, size_t from, size_t to) {
  for (size_t i = from; i < to; i++) {
    echo_char(line, line->text[i]);
  }
}

static void move_to(struct line *line, size_t cursor) {
  if (cursor < line->cursor) {
    echo_repeated(line, '\b', line->cursor - cursor);
  } else {
    echo_text(line, line->cursor, cursor);
  }
  line->cursor = cursor;
}

/* The text from the cursor on has changed and was old_length long in all: shows it and returns to the cursor. */
static void show_tail(struct line *line, size_t old_length) {
  size_t blanks = old_length > line->length ? old_length - line->length : 0;

  echo_text(line, line->cursor, line->length);
  echo_repeated(line, ' ', blanks);
  echo_repeated(line, '\b', line->length - line->cursor + blanks);
}

static void insert(struct line *line, char c) {
  if (line->length + 1 >= sizeof(line->text)) {
    echo_char(line, '\a');
    return;
  }
  memmove(&line->text[line->cursor + 1], &line->text[line->cursor], line->length - line->cursor + 1);
  line->text[line->cursor] = c;
  line->length++;
  echo_char(line, c);
  line->cursor++;
  show_tail(line, line->length - 1);
}

/* Removes the characters from `from` to before `to`; the cursor ends at `from`. */
static void erase(struct line *line, size_t from, size_t to) {
  size_t old_length = line->length;

  move_to(line, from);
  memmove(&line->text[from], &line->text[to], old_length - to + 1);
  line->length -= to - from;
  show_tail(line, old_length);
}

static void replace(struct line *line, const char *text) {
  size_t old_length = line->length;

  if (text == NULL) {
    return; /* the end of the history */
  }
  move_to(line, 0);
  line->length = strnlen(text, sizeof(line->text) - 1);
  memcpy(line->text, text, line->length);
  line->text[line->length] = '\0';
  show_tail(line, old_length);
  move_to(line, line->length);
}

static void key_backspace(struct line *line) {
  if (line->cursor > 0) {
    erase(line, line->cursor - 1, line->cursor);
  }
}

static void key_delete(struct line *line) {
  if (line->cursor < line->length) {
    erase(line, line->cursor, line->cursor + 1);
  }
}

static void key_erase_to_start(struct line *line) {
  erase(line, 0, line->cursor);
}

static void key_erase_to_end(struct line *line) {
  erase(line, line->cursor, line->length);
}

static void key_erase_word(struct line *line) {
  size_t from = line->cursor;

  while (from > 0 && line->text[from - 1] == ' ') {
    from--;
  }
  while (from > 0 && line->text[from - 1] != ' ') {
    from--;
  }
  erase(line, from, line->cursor);
}

static void key_left(struct line *line) {
  if (line->cursor > 0) {
    move_to(line, line->cursor - 1);
  }
}

static void key_right(struct line *line) {
  if (line->cursor < line->length) {
    move_to(line, line->cursor + 1);
  }
}

static void key_home(struct line *line) {
  move_to(line, 0);
}

static void key_end(struct line *line) {
  move_to(line, line->length);
}

static void key_up(struct line *line) {
  replace(line, history_up(&line->history, line->text));
}

static void key_down(struct line *line) {
  replace(line, history_down(&line->history));
}

struct binding {
  char key;
  key_action *action;
};

static const struct binding control_keys[] = {
    {'\b', key_backspace},
    {RUBOUT, key_backspace},
    {CONTROL('U'), key_erase_to_start},
    {CONTROL('K'), key_erase_to_end},
    {CONTROL('W'), key_erase_word},
    {CONTROL('D'), key_delete},
    {CONTROL('A'), key_home},
    {CONTROL('E'), key_end},
    {CONTROL('B'), key_left},
    {CONTROL('F'), key_right},
    {CONTROL('P'), key_up},
    {CONTROL('N'), key_down},
};

/* ESC [ x and ESC O x */
static const struct binding escape_keys[] = {
    {'A', key_up}, {'B', key_down}, {'C', key_right}, {'D', key_left}, {'H', key_home}, {'F', key_end},
};

/* ESC [ digit ~ */
static const struct binding tilde_keys[] = {
    {'1', key_home}, {'7', key_home}, {'4', key_end}, {'8', key_end}, {'3', key_delete},
};

static void perform(struct line *line, const struct binding *table, size_t size, char key) {
  for (size_t i = 0; i < size; i++) {
    if (table[i].key == key) {
      table[i].action(line);
    }
  }
}

#define PERFORM(line, table, key) perform(line, table, sizeof(table) / sizeof((table)[0]), key)

/* An escape sequence ends with a character from '@' on; before it come its parameters. */
static void feed_escape(struct line *line, char c) {
  if (c == ESCAPE) {
    line->escape = ESCAPE_STARTED;
    return;
  }
  if (line->escape == ESCAPE_STARTED) {
    line->escape = c == '[' || c == 'O' ? ESCAPE_SEQUENCE : ESCAPE_NONE;
    line->escape_digit = '\0';
    return;
  }
  if (c >= '0' && c <= '?') {
    line->escape_digit = line->escape_digit == '\0' ? c : '?';
    return;
  }
  line->escape = ESCAPE_NONE;
  if (c == '~') {
    PERFORM(line, tilde_keys, line->escape_digit);
  } else {
    PERFORM(line, escape_keys, c);
  }
}

static enum line_event finish(struct line *line, enum line_event event) {
  move_to(line, line->length);
  if (event == LINE_READY) {
    history_add(&line->history, line->text);
  } else {
    history_leave(&line->history);
    echo_char(line, '^');
    echo_char(line, 'C');
  }
  echo_char(line, '\n');
  return event;
}

enum line_event line_feed(struct line *line, char c) {
  bool second_of_crlf = line->after_return && c == '\n';

  line->echo_length = 0;
  line->after_return = c == '\r';
  if (second_of_crlf) {
    return LINE_EDITING;
  }
  if (line->escape != ESCAPE_NONE && c != CONTROL('C')) {
    feed_escape(line, c);
    return LINE_EDITING;
  }
  switch (c) {
    case '\r':
    case '\n':
      return finish(line, LINE_READY);
    case CONTROL('C'):
      return finish(line, LINE_CANCELLED);
    case ESCAPE:
      line->escape = ESCAPE_STARTED;
      return LINE_EDITING;
    default:
      break;
  }
  if (c >= ' ' && c < RUBOUT) {
    insert(line, c);
  } else {
    PERFORM(line, control_keys, c);
  }
  return LINE_EDITING;
}

void line_restart(struct line *line) {
  line->text[0] = '\0';
  line->length = 0;
  line->cursor = 0;
  line->escape = ESCAPE_NONE;
}

void line_init(struct line *line) {
  memset(line, 0, sizeof(*line));
  line_restart(line);
}
