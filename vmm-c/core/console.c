// SPDX-License-Identifier: Apache-2.0
#include "core/console.h"

#include <stdbool.h>

#include "board.h"
#include "core/config.h"
#include "core/preserved.h"
#include "core/print.h"
#include "core/virq.h"
#include "drivers/gic.h"
#include "drivers/pl011.h"

#define NO_VM 0xffu
#define SHARED_UART 0u      /* VM0's, which also carries the VMM's lines and the mirrored ones */
#define WATCH_LINE_MAX 160u /* characters; a longer line is mirrored in pieces */

_Static_assert((CONSOLE_OUTPUT_SIZE & (CONSOLE_OUTPUT_SIZE - 1)) == 0, "positions wrap at 2^32");
_Static_assert((CONSOLE_INPUT_SIZE & (CONSOLE_INPUT_SIZE - 1)) == 0, "positions wrap at 2^32");

/*
 * What the guests have read is in console_input_positions. All positions count bytes since the start of the VMM and index
 * the ring modulo its size.
 */
struct console {
  uint32_t out_start; /* first byte since the last reset */
  uint32_t out_written;
  uint32_t line; /* where the line that is not yet mirrored starts */
  uint32_t in_start;
  uint32_t in_written;
  char out[CONSOLE_OUTPUT_SIZE];
  char in[CONSOLE_INPUT_SIZE];
};

static PRESERVED struct console consoles[VM_MAX];
PRESERVED uint32_t console_input_positions[VM_MAX];
static uint8_t uart_owner[BOARD_UART_COUNT];
static uint32_t watched;

static void open_uart(unsigned uart, unsigned vm) {
  uart_owner[uart] = (uint8_t)vm;
  uart_init(uart);
  gic_enable(BOARD_UART_IRQ(uart));
}

void console_init(void) {
  for (unsigned i = 0; i < BOARD_UART_COUNT; i++) {
    uart_owner[i] = NO_VM;
  }
  open_uart(SHARED_UART, NO_VM);
  for (unsigned vm = 0; vm < config_vm_count; vm++) {
    if (config_vms[vm].uart < BOARD_UART_COUNT) {
      open_uart(config_vms[vm].uart, vm);
    }
  }
}

void console_reset(unsigned vm) {
  struct console *c = &consoles[vm];
  c->out_start = c->out_written;
  c->line = c->out_written;
  c->in_start = c->in_written;
  console_input_positions[vm] = c->in_written;
}

/* Mirrors the text from c->line up to the end of what was written. */
static void mirror_line(unsigned vm, struct console *c) {
  print_fresh_line();
  print_own('[');
  for (const char *p = config_vms[vm].name; *p != '\0'; p++) {
    print_own(*p);
  }
  print_own(']');
  print_own(' ');
  for (uint32_t i = c->line; i != c->out_written; i++) {
    char ch = c->out[i % CONSOLE_OUTPUT_SIZE];
    if (ch != '\r' && ch != '\n') {
      print_own(ch);
    }
  }
  print_own('\n');
}

static void put(unsigned vm, struct console *c, uint8_t uart, char ch) {
  c->out[c->out_written % CONSOLE_OUTPUT_SIZE] = ch;
  c->out_written++;
  if (uart == SHARED_UART) {
    print_guest(ch);
  } else if (uart < BOARD_UART_COUNT) {
    uart_put(uart, ch);
  }
  if (ch == '\n' || c->out_written - c->line >= WATCH_LINE_MAX) {
    if ((watched >> vm & 1u) != 0 && uart != SHARED_UART) {
      mirror_line(vm, c);
    }
    c->line = c->out_written;
  }
}

uint32_t console_write(unsigned vm, const char *data, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    put(vm, &consoles[vm], config_vms[vm].uart, data[i]);
  }
  return n;
}

uint32_t console_read(unsigned vm, char *data, uint32_t n) {
  struct console *c = &consoles[vm];
  uint32_t taken = 0;
  while (taken < n && console_input_positions[vm] != c->in_written) {
    data[taken++] = c->in[console_input_positions[vm]++ % CONSOLE_INPUT_SIZE];
  }
  return taken;
}

/* First position that a ring still holds. */
static uint32_t oldest_kept(uint32_t start, uint32_t written, uint32_t size) {
  return written - start > size ? written - size : start;
}

void console_input_rewind(unsigned vm, uint32_t position) {
  struct console *c = &consoles[vm];
  uint32_t oldest = oldest_kept(c->in_start, c->in_written, CONSOLE_INPUT_SIZE);
  console_input_positions[vm] = c->in_written - position <= c->in_written - oldest ? position : oldest;
}

int32_t console_log(unsigned vm, uint32_t offset, char *data, uint32_t n, uint32_t *oldest) {
  const struct console *c = &consoles[vm];
  *oldest = oldest_kept(c->out_start, c->out_written, CONSOLE_OUTPUT_SIZE);
  uint32_t available = c->out_written - offset;
  if (available > c->out_written - *oldest) {
    return available > 0x80000000u ? VMI_EINVAL : VMI_ENOENT;
  }
  uint32_t copied = n < available ? n : available;
  for (uint32_t i = 0; i < copied; i++) {
    data[i] = c->out[(offset + i) % CONSOLE_OUTPUT_SIZE];
  }
  return (int32_t)copied;
}

void console_watch(uint32_t mask) {
  watched = mask;
}

static void receive(unsigned vm, char ch) {
  struct console *c = &consoles[vm];
  if (c->in_written - console_input_positions[vm] < CONSOLE_INPUT_SIZE) {
    c->in[c->in_written++ % CONSOLE_INPUT_SIZE] = ch;
  }
}

void console_interrupt(unsigned uart) {
  unsigned vm = uart_owner[uart];
  uart_irq_clear(uart);
  for (int ch = uart_get(uart); ch >= 0; ch = uart_get(uart)) {
    if (vm != NO_VM) {
      receive(vm, (char)ch);
    }
  }
  if (vm != NO_VM) {
    virq_raise(vm, VMI_IRQ_CONSOLE);
  }
}
