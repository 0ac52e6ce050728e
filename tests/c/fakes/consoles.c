/* SPDX-License-Identifier: Apache-2.0 */
#include "consoles.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "core/console.h"
#include "core/manage.h"
#include "core/outside.h"

int32_t console_log(unsigned vm, uint32_t offset, char *data, uint32_t n, uint32_t *oldest) {
  assert_int_equal(vm, 1);
  assert_true(n <= MANAGE_LOG_MAX);
  *oldest = 1000;
  if (offset < 1000) {
    return VMI_ENOENT;
  }
  memset(data, 'x', n);
  return (int32_t)n;
}

struct vmi_vm_words vm_words;

const struct vmi_vm_words *console_last_words(unsigned vm) {
  assert_int_equal(vm, 1);
  return &vm_words;
}

uint32_t console_held(unsigned vm) {
  return 70 + vm;
}

uint32_t console_input_lost(unsigned vm) {
  return 80 + vm;
}

static unsigned ended;
bool flushed;

void outside_end(struct vm *vm) {
  ended |= 1u << vm->index;
}

void console_flush(void) {
  assert_int_equal(ended, 3);
  flushed = true;
}
