/* SPDX-License-Identifier: Apache-2.0 */
#include "format.h"

#include <stdbool.h>
#include <stdint.h>

#include "string.h"

#define DIGITS_MAX 20 /* of 2^64 - 1 in decimal */

struct sink {
  char *next;
  char *end; /* place of the NUL, at the latest */
};

struct spec {
  bool left;
  bool zero;
  size_t width;
  size_t precision; /* only for strings */
  int longs;        /* 0, 1 (l), 2 (ll) */
  char conversion;
};

static void put(struct sink *sink, char c) {
  if (sink->next < sink->end) {
    *sink->next++ = c;
  }
}

static void put_repeated(struct sink *sink, char c, size_t count) {
  for (; count != 0; count--) {
    put(sink, c);
  }
}

/* One field: sign or prefix, then the body, filled up to the width on the side the flags say. */
static void put_field(struct sink *sink, const struct spec *spec, const char *prefix, const char *body, size_t length) {
  size_t used = strlen(prefix) + length;
  size_t fill = spec->width > used ? spec->width - used : 0;

  if (!spec->left && !spec->zero) {
    put_repeated(sink, ' ', fill);
  }
  while (*prefix != '\0') {
    put(sink, *prefix++);
  }
  if (!spec->left && spec->zero) {
    put_repeated(sink, '0', fill);
  }
  for (size_t i = 0; i < length; i++) {
    put(sink, body[i]);
  }
  if (spec->left) {
    put_repeated(sink, ' ', fill);
  }
}

static void put_number(struct sink *sink, const struct spec *spec, const char *prefix, uint64_t value, uint32_t base) {
  const char *digits = spec->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
  char body[DIGITS_MAX];
  size_t first = sizeof(body);

  do {
    /* Most numbers are short: spare them the 64-bit division of the run-time library. */
    if (value <= UINT32_MAX) {
      body[--first] = digits[(uint32_t)value % base];
      value = (uint32_t)value / base;
    } else {
      body[--first] = digits[value % base];
      value /= base;
    }
  } while (value != 0);
  put_field(sink, spec, prefix, &body[first], sizeof(body) - first);
}

static const char *read_number(const char *format, size_t *number) {
  *number = 0;
  while (*format >= '0' && *format <= '9') {
    *number = *number * 10 + (size_t)(*format++ - '0');
  }
  return format;
}

/* Returns the place behind the conversion character. */
static const char *read_spec(const char *format, struct spec *spec, va_list *arguments) {
  *spec = (struct spec){.precision = SIZE_MAX};
  for (; *format == '-' || *format == '0'; format++) {
    spec->left = spec->left || *format == '-';
    spec->zero = spec->zero || *format == '0';
  }
  if (*format == '*') {
    int width = va_arg(*arguments, int);
    spec->width = width > 0 ? (size_t)width : 0;
    format++;
  } else {
    format = read_number(format, &spec->width);
  }
  if (*format == '.') {
    format = read_number(format + 1, &spec->precision);
  }
  for (; *format == 'l'; format++) {
    spec->longs++;
  }
  spec->conversion = *format;
  return *format == '\0' ? format : format + 1;
}

static int64_t signed_argument(const struct spec *spec, va_list *arguments) {
  if (spec->longs >= 2) {
    return va_arg(*arguments, long long);
  }
  return spec->longs == 1 ? va_arg(*arguments, long) : va_arg(*arguments, int);
}

static uint64_t unsigned_argument(const struct spec *spec, va_list *arguments) {
  if (spec->longs >= 2) {
    return va_arg(*arguments, unsigned long long);
  }
  return spec->longs == 1 ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned int);
}

/* Returns false for a conversion that it does not know; no argument is used up then. */
static bool convert(struct sink *sink, const struct spec *spec, va_list *arguments) {
  char character;
  const char *text;
  int64_t number;

  switch (spec->conversion) {
    case 'd':
      number = signed_argument(spec, arguments);
      put_number(sink, spec, number < 0 ? "-" : "", number < 0 ? 0 - (uint64_t)number : (uint64_t)number, 10);
      return true;
    case 'u':
      put_number(sink, spec, "", unsigned_argument(spec, arguments), 10);
      return true;
    case 'x':
    case 'X':
      put_number(sink, spec, "", unsigned_argument(spec, arguments), 16);
      return true;
    case 'p':
      put_number(sink, spec, "0x", (uintptr_t)va_arg(*arguments, void *), 16);
      return true;
    case 'c':
      character = (char)va_arg(*arguments, int);
      put_field(sink, spec, "", &character, 1);
      return true;
    case 's':
      text = va_arg(*arguments, const char *);
      text = text != NULL ? text : "(null)";
      put_field(sink, spec, "", text, strnlen(text, spec->precision));
      return true;
    case '%':
      put(sink, '%');
      return true;
    default:
      return false;
  }
}

size_t format_va(char *out, size_t size, const char *format, va_list arguments) {
  struct sink sink = {out, out + size - 1};
  va_list rest;

  /* A parameter of array type (va_list on some hosts) has no address of the right type; a copy has. */
  va_copy(rest, arguments);
  while (*format != '\0') {
    const char *start = format++;
    struct spec spec;

    if (*start != '%') {
      put(&sink, *start);
      continue;
    }
    format = read_spec(format, &spec, &rest);
    if (!convert(&sink, &spec, &rest)) {
      while (start != format) {
        put(&sink, *start++);
      }
    }
  }
  va_end(rest);
  *sink.next = '\0';
  return (size_t)(sink.next - out);
}

size_t format_text(char *out, size_t size, const char *format, ...) {
  va_list arguments;
  size_t length;

  va_start(arguments, format);
  length = format_va(out, size, format, arguments);
  va_end(arguments);
  return length;
}
