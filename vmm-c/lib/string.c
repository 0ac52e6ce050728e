// SPDX-License-Identifier: Apache-2.0
#include "lib/string.h"

void *memmove(void *dst, const void *src, size_t n) {
  uint8_t *d = dst;
  const uint8_t *s = src;
  if ((uintptr_t)d - (uintptr_t)s >= n) {
    return memcpy(dst, src, n); /* apart, or dst below src, where ours is safe: see lib/copy.S */
  }
  /* volatile: keeps the compiler from recognising the loop and calling memmove for it. */
  volatile uint8_t *end = d + n;
  for (s += n; end != d;) {
    *--end = *--s;
  }
  return dst;
}

int memcmp(const void *a, const void *b, size_t n) {
  const uint8_t *x = a;
  const uint8_t *y = b;
  for (size_t i = 0; i < n; i++) {
    if (x[i] != y[i]) {
      return (int)x[i] - (int)y[i];
    }
  }
  return 0;
}

size_t strnlen(const char *text, size_t n) {
  size_t length = 0;
  while (length < n && text[length] != '\0') {
    length++;
  }
  return length;
}
