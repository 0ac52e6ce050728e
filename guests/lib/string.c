/* SPDX-License-Identifier: Apache-2.0 */
#include "string.h"

#include <stdint.h>

/* GCC may turn a loop that copies or fills into a call of memcpy or memset: of the function itself, here. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#define WORD sizeof(uint32_t)

typedef uint32_t __attribute__((may_alias)) word;

static int words_possible(const void *left, const void *right) {
  return (((uintptr_t)left | (uintptr_t)right) % WORD) == 0;
}

static void copy_up(unsigned char *to, const unsigned char *from, size_t size) {
  if (words_possible(to, from)) {
    for (; size >= WORD; size -= WORD, to += WORD, from += WORD) {
      *(word *)(void *)to = *(const word *)(const void *)from;
    }
  }
  for (; size != 0; size--) {
    *to++ = *from++;
  }
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  copy_up(to, from, size);
  return to;
}

void *memmove(void *to, const void *from, size_t size) {
  unsigned char *out = to;
  const unsigned char *in = from;

  if ((uintptr_t)to - (uintptr_t)from >= size) {
    copy_up(out, in, size);
    return to;
  }
  while (size != 0) {
    size--;
    out[size] = in[size];
  }
  return to;
}

void *memset(void *to, int value, size_t size) {
  unsigned char *out = to;
  unsigned char byte = (unsigned char)value;

  if (((uintptr_t)out % WORD) == 0) {
    for (; size >= WORD; size -= WORD, out += WORD) {
      *(word *)(void *)out = byte * 0x01010101u;
    }
  }
  for (; size != 0; size--) {
    *out++ = byte;
  }
  return to;
}

int memcmp(const void *left, const void *right, size_t size) {
  const unsigned char *a = left;
  const unsigned char *b = right;

  for (; size != 0; size--, a++, b++) {
    if (*a != *b) {
      return *a - *b;
    }
  }
  return 0;
}

size_t strlen(const char *text) {
  const char *end = text;

  while (*end != '\0') {
    end++;
  }
  return (size_t)(end - text);
}

size_t strnlen(const char *text, size_t limit) {
  size_t length = 0;

  while (length < limit && text[length] != '\0') {
    length++;
  }
  return length;
}

int strncmp(const char *left, const char *right, size_t limit) {
  for (; limit != 0; limit--, left++, right++) {
    if (*left != *right || *left == '\0') {
      return (unsigned char)*left - (unsigned char)*right;
    }
  }
  return 0;
}

int strcmp(const char *left, const char *right) {
  return strncmp(left, right, SIZE_MAX);
}

char *strchr(const char *text, int wanted) {
  for (;; text++) {
    if (*text == (char)wanted) {
      return (char *)(uintptr_t)text;
    }
    if (*text == '\0') {
      return NULL;
    }
  }
}
