/* SPDX-License-Identifier: Apache-2.0 */
#include "vm0/parse.h"

#include "lib/string.h"

static bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool parse_words(char *text, struct words *words) {
  words->count = 0;
  for (;;) {
    while (is_blank(*text)) {
      *text++ = '\0';
    }
    if (*text == '\0') {
      return true;
    }
    if (words->count == WORDS_MAX) {
      return false;
    }
    words->word[words->count++] = text;
    while (*text != '\0' && !is_blank(*text)) {
      text++;
    }
  }
}

/* Value of a digit, or 16 when it is none. */
static uint32_t digit_value(char c) {
  if (c >= '0' && c <= '9') {
    return (uint32_t)(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return (uint32_t)(c - 'a') + 10;
  }
  if (c >= 'A' && c <= 'F') {
    return (uint32_t)(c - 'A') + 10;
  }
  return 16;
}

bool parse_number(const char *word, uint32_t *number) {
  uint32_t base = 10;
  uint64_t value = 0;

  if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
    base = 16;
    word += 2;
  }
  if (*word == '\0') {
    return false;
  }
  for (; *word != '\0'; word++) {
    uint32_t digit = digit_value(*word);

    value = value * base + digit;
    if (digit >= base || value > UINT32_MAX) {
      return false;
    }
  }
  *number = (uint32_t)value;
  return true;
}

static enum find_result find_prefix(const struct names *names, const char *word, uint32_t *index) {
  enum find_result result = FIND_NONE;

  for (size_t i = 0; i < names->count; i++) {
    if (strncmp(names->name(names->context, i), word, strlen(word)) == 0) {
      result = result == FIND_NONE ? FIND_ONE : FIND_SEVERAL;
      *index = (uint32_t)i;
    }
  }
  return result;
}

enum find_result find_name(const struct names *names, const char *word, uint32_t *index) {
  if (*word == '\0') {
    return FIND_NONE;
  }
  for (size_t i = 0; i < names->count; i++) {
    if (strcmp(names->name(names->context, i), word) == 0) {
      *index = (uint32_t)i;
      return FIND_ONE;
    }
  }
  if (parse_number(word, index)) {
    return *index < names->count ? FIND_ONE : FIND_NONE;
  }
  return find_prefix(names, word, index);
}
