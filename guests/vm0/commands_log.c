/* SPDX-License-Identifier: Apache-2.0 */
/* What the guests write: afterwards (log), and as it comes (watch). */
#include "lib/print.h"
#include "lib/string.h"
#include "lib/vmi_manage.h"
#include "vm0/command.h"
#include "vm0/lookup.h"
#include "vm0/vm_operation.h"

#define CHUNK 128u
#define LINES_DEFAULT 20u

static uint32_t watched; /* bit n: VM n */

/* The oldest byte that the VMM still has. */
static uint32_t log_start(uint32_t vm) {
  char unused;
  struct vmi_result result = vmi_vm_log(vm, 0, &unused, sizeof(unused));

  return result.value == VMI_ENOENT ? result.second : 0;
}

static uint32_t count_lines(const char *text, int32_t length) {
  uint32_t lines = 0;

  for (int32_t i = 0; i < length; i++) {
    lines += text[i] == '\n';
  }
  return lines;
}

/* Control characters of a guest must not reach the terminal. */
static void print_clean(char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n') {
      text[i] = text[i] == '\r' ? ' ' : '.';
    }
  }
  print_bytes(text, length);
}

struct span {
  uint32_t start; /* offsets in the output of the VM */
  uint32_t end;
};

/* What the VMM still has, and how many lines that is. */
static struct span log_span(uint32_t vm, uint32_t *lines) {
  struct span span = {log_start(vm), 0};
  char text[CHUNK];
  int32_t length;

  *lines = 0;
  span.end = span.start;
  while ((length = vmi_vm_log(vm, span.end, text, CHUNK).value) > 0) {
    *lines += count_lines(text, length);
    span.end += (uint32_t)length;
  }
  return span;
}

/*
 * Prints a part of the log without its first `skip` lines. The end is fixed beforehand: the log of this VM grows with
 * every line printed here.
 */
static void print_log(uint32_t vm, struct span span, uint32_t skip) {
  char text[CHUNK];
  char last = '\n';

  while (span.start != span.end) {
    uint32_t left = span.end - span.start;
    int32_t length = vmi_vm_log(vm, span.start, text, left < CHUNK ? left : CHUNK).value;
    int32_t first = 0;

    if (length <= 0) {
      break; /* overwritten in the meantime */
    }
    span.start += (uint32_t)length;
    while (skip > 0 && first < length) {
      skip -= text[first++] == '\n';
    }
    if (first < length) {
      last = text[length - 1];
      print_clean(&text[first], (size_t)(length - first));
    }
  }
  if (last != '\n') {
    print("\n");
  }
}

void command_log(const struct words *words) {
  uint32_t vm;
  uint32_t wanted = LINES_DEFAULT;
  uint32_t lines;
  struct span span;

  if (!lookup_vm(words->word[0], words->word[1], &vm) ||
      (words->count > 2 && !lookup_number(words->word[0], words->word[2], &wanted))) {
    return;
  }
  span = log_span(vm, &lines);
  print_log(vm, span, lines > wanted ? lines - wanted : 0);
}

static void print_watched(void) {
  print("watched:");
  for (uint32_t vm = 0; vm < vm_count(); vm++) {
    if ((watched >> vm & 1) != 0) {
      print(" %s", vm_name(vm));
    }
  }
  print("%s\n", watched == 0 ? " none" : "");
}

/* All VMs but this one, whose output is here already. */
static uint32_t all_others(void) {
  return ((1u << (vm_count() - 1)) - 1) << 1;
}

static bool parse_mask(const struct words *words, uint32_t *mask) {
  *mask = 0;
  if (words->count == 2 && strcmp(words->word[1], "off") == 0) {
    return true;
  }
  if (words->count == 2 && strcmp(words->word[1], "all") == 0) {
    *mask = all_others();
    return true;
  }
  for (size_t i = 1; i < words->count; i++) {
    uint32_t vm;

    if (!lookup_vm(words->word[0], words->word[i], &vm)) {
      return false;
    }
    *mask |= 1u << vm;
  }
  return true;
}

bool command_is_watching(void) {
  return watched != 0;
}

void command_watch(const struct words *words) {
  uint32_t mask;

  if (words->count > 1) {
    if (!parse_mask(words, &mask) || !operation_succeeded(words->word[0], 0, vmi_watch(mask))) {
      return;
    }
    watched = mask;
  }
  print_watched();
}
