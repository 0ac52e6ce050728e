// SPDX-License-Identifier: Apache-2.0
/* Output of guests: held, committed, sent; the log; mirrored lines; last words (D9). */
#include "board.h"
#include "core/config.h"
#include "core/console.h"
#include "core/console_rings.h"
#include "core/fault_log.h"
#include "core/preserved.h"
#include "core/print.h"
#include "core/sched.h"
#include "drivers/pl011.h"

#define SHARED_UART 0u
#define SEND_MAX 256u       /* characters of a VM at a time: meanwhile all interrupts wait */
#define WATCH_LINE_MAX 160u /* characters; a longer line is mirrored in pieces */

_Static_assert((CONSOLE_OUTPUT_SIZE & (CONSOLE_OUTPUT_SIZE - 1)) == 0, "positions wrap at 2^32");
_Static_assert(CONSOLE_HELD_MAX + WATCH_LINE_MAX <= CONSOLE_OUTPUT_SIZE, "a line to be mirrored is still there");

/* start <= line <= sent <= committed <= written */
struct console_output {
  uint32_t start; /* first byte since the last reset, or that was not overwritten by dropped text */
  uint32_t line;  /* where the line that is not yet mirrored starts */
  uint32_t sent;
  uint32_t committed;
  uint32_t written;
  bool held;
  char text[CONSOLE_OUTPUT_SIZE];
};

static PRESERVED struct console_output outputs[VM_MAX];
static PRESERVED struct vmi_vm_words last_words[VM_MAX];
static PRESERVED uint32_t unsent; /* bit n: VM n has committed text that has not left */
static uint32_t watched;

static char text_at(const struct console_output *o, uint32_t position) {
  return o->text[position % CONSOLE_OUTPUT_SIZE];
}

/* Mirrors the text from o->line up to what was sent. */
static void mirror_line(unsigned vm, const struct console_output *o) {
  print_fresh_line();
  print_own('[');
  for (const char *p = config_vms[vm].name; *p != '\0'; p++) {
    print_own(*p);
  }
  print_own(']');
  print_own(' ');
  for (uint32_t i = o->line; i != o->sent; i++) {
    char ch = text_at(o, i);
    if (ch != '\r' && ch != '\n') {
      print_own(ch);
    }
  }
  print_own('\n');
}

/* A line of the management VM goes on below lines of the VMM: all of it, so that it can be read. "\r" starts it anew. */
static void send_shared(struct console_output *o, char ch) {
  if (ch == '\r') {
    o->line = o->sent;
  } else if (print_guest_is_cut()) {
    for (uint32_t i = o->line; i + 1u != o->sent; i++) {
      print_guest(text_at(o, i));
    }
  }
  print_guest(ch);
}

static void send_one(unsigned vm, struct console_output *o, unsigned uart) {
  char ch = text_at(o, o->sent++);
  if (uart == SHARED_UART) {
    send_shared(o, ch);
  } else if (uart < BOARD_UART_COUNT) {
    uart_put(uart, ch);
  }
  if (ch == '\n' || o->sent - o->line >= WATCH_LINE_MAX) {
    if ((watched >> vm & 1u) != 0 && uart != SHARED_UART) {
      mirror_line(vm, o);
    }
    o->line = o->sent;
  }
}

static void send(unsigned vm, bool wait) {
  struct console_output *o = &outputs[vm];
  unsigned uart = config_vms[vm].uart;
  uint32_t left = wait ? UINT32_MAX : SEND_MAX;
  while (o->sent != o->committed && left-- != 0 && (wait || uart >= BOARD_UART_COUNT || uart_ready(uart))) {
    send_one(vm, o, uart);
  }
  if (o->sent == o->committed) {
    unsent &= ~(1u << vm);
  }
}

void console_output_reset(unsigned vm) {
  struct console_output *o = &outputs[vm];
  send(vm, true);
  o->committed = o->written;
  o->sent = o->written;
  o->line = o->written;
  o->start = o->written;
  last_words[vm].length = 0;
}

void console_output_check(unsigned vm) {
  struct console_output *o = &outputs[vm];
  if (o->written - o->sent > CONSOLE_HELD_MAX || o->committed - o->sent > o->written - o->sent ||
      o->sent - o->line > WATCH_LINE_MAX) {
    *o = (struct console_output){.held = o->held};
  }
  if (last_words[vm].length > sizeof last_words[vm].text) {
    last_words[vm].length = 0;
  }
}

void console_hold(unsigned vm, bool held) {
  outputs[vm].held = held;
}

/* Text that was dropped has overwritten the oldest there was, though the positions go back. */
static void forget_overwritten(struct console_output *o) {
  o->start = ring_oldest(o->start, o->written, CONSOLE_OUTPUT_SIZE);
}

bool console_write(unsigned vm, const char *data, uint32_t n) {
  struct console_output *o = &outputs[vm];
  if (o->written - o->sent + n > CONSOLE_HELD_MAX) {
    send(vm, false);
    if (o->written - o->sent + n > CONSOLE_HELD_MAX) {
      return false;
    }
  }
  for (uint32_t i = 0; i < n; i++) {
    o->text[o->written++ % CONSOLE_OUTPUT_SIZE] = data[i];
  }
  if (!o->held) {
    o->committed = o->written;
    send(vm, true);
  }
  return true;
}

void console_commit(unsigned vm) {
  struct console_output *o = &outputs[vm];
  if (o->committed != o->written) {
    o->committed = o->written;
    unsent |= 1u << vm;
    sched_poll();
  }
}

/* The fault that makes the VMM drop text is in the log next: its record is being written. */
static void last_words_take(unsigned vm, const struct console_output *o) {
  struct vmi_vm_words *last = &last_words[vm];
  uint32_t dropped = o->written - o->committed;
  uint32_t length = dropped < sizeof last->text ? dropped : (uint32_t)sizeof last->text;
  last->fault = fault_log.next_sequence;
  last->dropped = dropped;
  last->length = length;
  for (uint32_t i = 0; i < length; i++) {
    last->text[i] = text_at(o, o->written - length + i);
  }
}

void console_drop(unsigned vm) {
  struct console_output *o = &outputs[vm];
  if (o->committed != o->written) {
    last_words_take(vm, o);
    forget_overwritten(o);
    o->written = o->committed;
  }
}

bool console_release(void) {
  uint32_t had = unsent;
  for (unsigned vm = 0; vm < config_vm_count; vm++) {
    if ((had >> vm & 1u) != 0) {
      send(vm, false);
    }
  }
  return had != 0;
}

void console_flush(void) {
  for (unsigned vm = 0; vm < config_vm_count; vm++) {
    send(vm, true);
  }
}

uint32_t console_held(unsigned vm) {
  return outputs[vm].written - outputs[vm].committed;
}

const struct vmi_vm_words *console_last_words(unsigned vm) {
  return &last_words[vm];
}

int32_t console_log(unsigned vm, uint32_t offset, char *data, uint32_t n, uint32_t *oldest) {
  const struct console_output *o = &outputs[vm];
  *oldest = ring_oldest(o->start, o->written, CONSOLE_OUTPUT_SIZE);
  uint32_t available = o->committed - offset;
  if (available > o->committed - *oldest) {
    return available > 0x80000000u ? VMI_EINVAL : VMI_ENOENT;
  }
  uint32_t copied = n < available ? n : available;
  for (uint32_t i = 0; i < copied; i++) {
    data[i] = text_at(o, offset + i);
  }
  return (int32_t)copied;
}

void console_watch(uint32_t mask) {
  watched = mask;
}
