/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line editor for a VT100-like terminal: characters in, a finished line and the echo out. Pure: it knows neither the
 * console nor the commands, and is also compiled on the host for its tests.
 */
#ifndef VM0_LINE_H
#define VM0_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "vm0/history.h"

#define LINE_ECHO_MAX (4 * LINE_SIZE) /* longest echo of one key: back, text, blanks, back */

enum line_event {
  LINE_EDITING,
  LINE_READY,     /* line->text is complete; its echo ends with a new line */
  LINE_CANCELLED, /* Ctrl-C */
};

enum line_escape { ESCAPE_NONE, ESCAPE_STARTED, ESCAPE_SEQUENCE };

struct line {
  char text[LINE_SIZE]; /* always NUL-terminated */
  size_t length;
  size_t cursor;
  enum line_escape escape;
  char escape_digit; /* first parameter of ESC [ n ~ */
  bool after_return; /* the last character was '\r': a '\n' belongs to it */
  struct history history;
  size_t echo_length;
  char echo[LINE_ECHO_MAX];
};

void line_init(struct line *line);

/*
 * Takes one character. What the terminal must be sent is then in echo[0..echo_length-1]. After LINE_READY or
 * LINE_CANCELLED call line_restart before the next character.
 */
enum line_event line_feed(struct line *line, char c);

/* Starts an empty line; the history stays. */
void line_restart(struct line *line);

#endif
