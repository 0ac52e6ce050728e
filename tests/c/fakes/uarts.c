/* SPDX-License-Identifier: Apache-2.0 */
#include "uarts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/config.h"
#include "core/console.h"
#include "core/fault_log.h"
#include "core/print.h"
#include "core/sched.h"
#include "core/virq.h"
#include "drivers/gic.h"
#include "drivers/pl011.h"

const struct vm_config config_vms[] = {
    {.name = "vm0", .uart = 0},
    {.name = "one", .uart = 1},
    {.name = "two", .uart = UART_NONE},
};
const uint32_t config_vm_count = 3;

char sent[BOARD_UART_COUNT][8192];
size_t sent_count[BOARD_UART_COUNT];
const char *to_receive[BOARD_UART_COUNT];
uint32_t raised[3];
unsigned enabled_irqs;
bool uart_full;
struct scheduler scheduler;
struct fault_log fault_log = {.next_sequence = 7};

void uart_init(unsigned n) {
  assert_true(n < BOARD_UART_COUNT);
}

void uart_put(unsigned n, char c) {
  assert_true(sent_count[n] + 1 < sizeof(sent[n]));
  sent[n][sent_count[n]++] = c;
  sent[n][sent_count[n]] = '\0';
}

bool uart_ready(unsigned n) {
  assert_true(n < BOARD_UART_COUNT);
  return !uart_full;
}

int uart_get(unsigned n) {
  return to_receive[n] != NULL && *to_receive[n] != '\0' ? (unsigned char)*to_receive[n]++ : -1;
}

void uart_irq_clear(unsigned n) {
  assert_true(n < BOARD_UART_COUNT);
}

void gic_enable(unsigned id) {
  enabled_irqs |= 1u << (id - BOARD_UART_IRQ(0));
}

void virq_raise(unsigned vm, uint32_t lines) {
  raised[vm] |= lines;
}

int uarts_fresh(void **state) {
  (void)state;
  print_fresh_line();
  memset(sent, 0, sizeof(sent));
  memset(sent_count, 0, sizeof(sent_count));
  memset(to_receive, 0, sizeof(to_receive));
  memset(raised, 0, sizeof(raised));
  uart_full = false;
  console_watch(0);
  console_init();
  for (unsigned vm = 0; vm < 3; vm++) {
    console_hold(vm, false);
    console_reset(vm);
  }
  memset(sent, 0, sizeof(sent)); /* of what the last test has left unsent */
  memset(sent_count, 0, sizeof(sent_count));
  scheduler.polling = false;
  return 0;
}

void write_text(unsigned vm, const char *text) {
  assert_true(console_write(vm, text, (uint32_t)strlen(text)));
}

uint32_t end_of_log(unsigned vm) {
  uint32_t oldest;
  char none;
  console_log(vm, 0, &none, 0, &oldest);
  char chunk[64];
  uint32_t at = oldest;
  for (int32_t n = 1; n > 0; at += (uint32_t)n) {
    n = console_log(vm, at, chunk, sizeof(chunk), &oldest);
  }
  return at;
}
