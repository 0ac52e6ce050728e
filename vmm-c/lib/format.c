// SPDX-License-Identifier: Apache-2.0
#include "lib/format.h"

#include <stdbool.h>
#include <stdint.h>

struct output {
  char *buf;
  size_t n;
  size_t used;
};

struct spec {
  unsigned width;
  bool left;
  bool zero;
};

#define DIGITS_MAX 20

static void put(struct output *o, char c) {
  if (o->used + 1 < o->n) {
    o->buf[o->used++] = c;
  }
}

static void pad(struct output *o, char c, size_t have, const struct spec *s) {
  for (size_t i = have; i < s->width; i++) {
    put(o, c);
  }
}

static void put_text(struct output *o, const char *text, size_t length, const struct spec *s) {
  if (!s->left) {
    pad(o, ' ', length, s);
  }
  for (size_t i = 0; i < length; i++) {
    put(o, text[i]);
  }
  if (s->left) {
    pad(o, ' ', length, s);
  }
}

/* `digits` holds `count` digits, the lowest first; `sign` goes in front, before zeros but after blanks. */
static void put_number(struct output *o, const char *digits, size_t count, bool sign, const struct spec *s) {
  size_t have = count + (sign ? 1 : 0);
  if (!s->left && !s->zero) {
    pad(o, ' ', have, s);
  }
  if (sign) {
    put(o, '-');
  }
  if (!s->left && s->zero) {
    pad(o, '0', have, s);
  }
  for (size_t i = count; i > 0; i--) {
    put(o, digits[i - 1]);
  }
  if (s->left) {
    pad(o, ' ', have, s);
  }
}

static void put_decimal(struct output *o, uint32_t value, bool sign, const struct spec *s) {
  char digits[DIGITS_MAX];
  size_t count = 0;
  do {
    digits[count++] = (char)('0' + value % 10u);
    value /= 10u;
  } while (value != 0);
  put_number(o, digits, count, sign, s);
}

static void put_hex(struct output *o, uint64_t value, const struct spec *s) {
  char digits[DIGITS_MAX];
  size_t count = 0;
  do {
    digits[count++] = "0123456789abcdef"[value & 15u];
    value >>= 4;
  } while (value != 0);
  put_number(o, digits, count, false, s);
}

static size_t length_of(const char *text) {
  size_t n = 0;
  while (text[n] != '\0') {
    n++;
  }
  return n;
}

static const char *parse_spec(const char *p, struct spec *s) {
  *s = (struct spec){0};
  for (; *p == '-' || *p == '0'; p++) {
    s->left = s->left || *p == '-';
    s->zero = s->zero || *p == '0';
  }
  for (; *p >= '0' && *p <= '9'; p++) {
    s->width = s->width * 10u + (unsigned)(*p - '0');
  }
  return p;
}

static void put_signed(struct output *o, int value, const struct spec *s) {
  uint32_t magnitude = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
  put_decimal(o, magnitude, value < 0, s);
}

static void put_pointer(struct output *o, const void *pointer) {
  put(o, '0');
  put(o, 'x');
  put_hex(o, (uintptr_t)pointer, &(struct spec){.width = 2 * sizeof(pointer), .zero = true});
}

/* A va_list may be an array type; inside a structure it can be handed on and advanced. */
struct arguments {
  va_list list;
};

/* Writes the conversion at p (after '%', flags and width); returns its last character, or NULL: not a conversion. */
static const char *convert(struct output *o, const char *p, const struct spec *s, struct arguments *a) {
  switch (*p) {
    case 'u':
      put_decimal(o, va_arg(a->list, uint32_t), false, s);
      return p;
    case 'd':
      put_signed(o, va_arg(a->list, int), s);
      return p;
    case 'x':
      put_hex(o, va_arg(a->list, uint32_t), s);
      return p;
    case 'l':
      if (p[1] != 'l' || p[2] != 'x') {
        return NULL;
      }
      put_hex(o, va_arg(a->list, uint64_t), s);
      return p + 2;
    case 's': {
      const char *text = va_arg(a->list, const char *);
      text = text != NULL ? text : "(null)";
      put_text(o, text, length_of(text), s);
      return p;
    }
    case 'c': {
      char c = (char)va_arg(a->list, int);
      put_text(o, &c, 1, s);
      return p;
    }
    case 'p':
      put_pointer(o, va_arg(a->list, const void *));
      return p;
    case '%':
      put(o, '%');
      return p;
    default:
      return NULL;
  }
}

size_t format_list(char *buf, size_t n, const char *fmt, va_list args) {
  struct output o = {buf, n, 0};
  struct arguments a;
  va_copy(a.list, args);
  for (const char *p = fmt; *p != '\0'; p++) {
    struct spec s;
    const char *end = *p == '%' ? convert(&o, parse_spec(p + 1, &s), &s, &a) : NULL;
    if (end != NULL) {
      p = end;
    } else {
      put(&o, *p);
    }
  }
  va_end(a.list);
  if (n != 0) {
    buf[o.used] = '\0';
  }
  return o.used;
}

size_t format(char *buf, size_t n, const char *fmt, ...) {
  va_list args;
  va_start(args, fmt);
  size_t used = format_list(buf, n, fmt, args);
  va_end(args);
  return used;
}
