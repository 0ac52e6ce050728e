/* SPDX-License-Identifier: Apache-2.0 */
/* The last lines that were entered, and the walk through them with up and down. Pure. */
#ifndef VM0_HISTORY_H
#define VM0_HISTORY_H

#include <stddef.h>

#define LINE_SIZE 128    /* bytes of a line with its NUL */
#define HISTORY_LINES 16 /* lines kept */

struct history {
  size_t count;    /* lines ever added */
  size_t steps_up; /* 0: at the line being typed; n: at the n-th last line */
  char lines[HISTORY_LINES][LINE_SIZE];
  char draft[LINE_SIZE]; /* what was typed when the walk began */
};

/* Appends a line, unless it is empty or the same as the last one, and ends the walk. */
void history_add(struct history *history, const char *text);

/* One step up or down; text is the line on the screen. Returns the line to show, NULL at the end of the walk. */
const char *history_up(struct history *history, const char *text);
const char *history_down(struct history *history);

/* Ends the walk: the next step up starts at the last line again. */
void history_leave(struct history *history);

#endif
