/* SPDX-License-Identifier: Apache-2.0 */
#include "vm0/history.h"

#include "lib/string.h"

/* The n-th last line, n >= 1. */
static char *nth_last(struct history *history, size_t n) {
  return history->lines[(history->count - n) % HISTORY_LINES];
}

static void copy_line(char *to, const char *from) {
  size_t length = strnlen(from, LINE_SIZE - 1);

  memcpy(to, from, length);
  to[length] = '\0';
}

void history_add(struct history *history, const char *text) {
  history_leave(history);
  if (*text == '\0' || (history->count > 0 && strcmp(nth_last(history, 1), text) == 0)) {
    return;
  }
  history->count++;
  copy_line(nth_last(history, 1), text);
}

const char *history_up(struct history *history, const char *text) {
  size_t kept = history->count < HISTORY_LINES ? history->count : HISTORY_LINES;

  if (history->steps_up == kept) {
    return NULL;
  }
  if (history->steps_up == 0) {
    copy_line(history->draft, text);
  }
  history->steps_up++;
  return nth_last(history, history->steps_up);
}

const char *history_down(struct history *history) {
  if (history->steps_up == 0) {
    return NULL;
  }
  history->steps_up--;
  return history->steps_up == 0 ? history->draft : nth_last(history, history->steps_up);
}

void history_leave(struct history *history) {
  history->steps_up = 0;
}
