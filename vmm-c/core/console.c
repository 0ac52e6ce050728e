// SPDX-License-Identifier: Apache-2.0
/* Who owns which UART, and what comes in. */
#include "core/console.h"

#include "board.h"
#include "core/config.h"
#include "core/console_rings.h"
#include "core/preserved.h"
#include "core/virq.h"
#include "drivers/gic.h"
#include "drivers/pl011.h"

#define NO_VM 0xffu
#define SHARED_UART 0u /* VM0's, which also carries the VMM's lines and the mirrored ones */

_Static_assert((CONSOLE_INPUT_SIZE & (CONSOLE_INPUT_SIZE - 1)) == 0, "positions wrap at 2^32");

/* What the guests have read is in console_input_positions. */
struct console_input {
  uint32_t start; /* first byte since the last reset */
  uint32_t kept;  /* from here on nothing is overwritten: a checkpoint may return there */
  uint32_t written;
  uint32_t lost;
  char text[CONSOLE_INPUT_SIZE];
};

static PRESERVED struct console_input inputs[VM_MAX];
PRESERVED uint32_t console_input_positions[VM_MAX];
static uint8_t uart_owner[BOARD_UART_COUNT];

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
    console_output_check(vm);
    if (config_vms[vm].uart < BOARD_UART_COUNT) {
      open_uart(config_vms[vm].uart, vm);
    }
  }
}

void console_reset(unsigned vm) {
  struct console_input *in = &inputs[vm];
  in->start = in->written;
  in->kept = in->written;
  in->lost = 0;
  console_input_positions[vm] = in->written;
  console_output_reset(vm);
}

uint32_t console_read(unsigned vm, char *data, uint32_t n) {
  const struct console_input *in = &inputs[vm];
  uint32_t taken = 0;
  while (taken < n && console_input_positions[vm] != in->written) {
    data[taken++] = in->text[console_input_positions[vm]++ % CONSOLE_INPUT_SIZE];
  }
  return taken;
}

void console_input_keep(unsigned vm, uint32_t position) {
  inputs[vm].kept = position;
}

void console_input_rewind(unsigned vm, uint32_t position) {
  struct console_input *in = &inputs[vm];
  uint32_t oldest = ring_oldest(in->start, in->written, CONSOLE_INPUT_SIZE);
  uint32_t missing = in->written - position > in->written - oldest ? oldest - position : 0;
  in->lost += missing;
  console_input_positions[vm] = position + missing;
}

bool console_input_waits(unsigned vm) {
  return console_input_positions[vm] != inputs[vm].written;
}

uint32_t console_input_lost(unsigned vm) {
  return inputs[vm].lost;
}

/* The newest is lost if the oldest may still be asked for. */
static void receive(unsigned vm, char ch) {
  struct console_input *in = &inputs[vm];
  if (in->written - in->kept < CONSOLE_INPUT_SIZE) {
    in->text[in->written++ % CONSOLE_INPUT_SIZE] = ch;
  } else {
    in->lost++;
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
