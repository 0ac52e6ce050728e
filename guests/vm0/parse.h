/* SPDX-License-Identifier: Apache-2.0 */
/* Words, numbers and names on a command line. Pure: also compiled on the host for its tests. */
#ifndef VM0_PARSE_H
#define VM0_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_MAX 20

struct words {
  size_t count;
  const char *word[WORDS_MAX];
};

/* Splits text at blanks, in place. Returns false when there are more than WORDS_MAX words. */
bool parse_words(char *text, struct words *words);

/* Decimal or 0x hexadecimal, the whole word; false when it is no number or over 32 bits. */
bool parse_number(const char *word, uint32_t *number);

/* Name number `index` of what is looked up; index < count. */
typedef const char *name_at(const void *context, size_t index);

struct names {
  size_t count;
  name_at *name;
  const void *context;
};

enum find_result { FIND_ONE, FIND_NONE, FIND_SEVERAL };

/* Finds a word by its full name, else by its number, else by the beginning of exactly one name. */
enum find_result find_name(const struct names *names, const char *word, uint32_t *index);

#endif
