/* SPDX-License-Identifier: Apache-2.0 */
/* Console output and doorbells (D9): what may have left each VM. The in pages of channels: model_tables.c. */
#include <string.h>

#include "core/channel.h"
#include "core/outside.h"
#include "machine.h"
#include "model.h"
#include "model_restore.h"

bool __real_console_write(unsigned vm, const char *data, uint32_t n);
int32_t __real_channel_notify(struct vm *vm, unsigned c);
void __real_outside_end(struct vm *vm);
bool __wrap_console_write(unsigned vm, const char *data, uint32_t n);
int32_t __wrap_channel_notify(struct vm *vm, unsigned c);
void __wrap_outside_end(struct vm *vm);

static struct stream left[SMALL_VMS]; /* on the VM's own UART, in the life of this program */

static void leave(unsigned vm, const char *text, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    stream_add(&left[vm], text[i]);
  }
}

/* The call is made again, later. */
static void refused(const struct vm *vm, struct model *m, uint32_t n) {
  uint32_t on_its_way = left[vm->index].count - machine_sent[vm->index].count; /* the UART takes a part at a time */
  CHECK(m->held_count + on_its_way + n > CONSOLE_HELD_MAX, "text refused though there is room");
  struct context *caller = &m->now.thread[thread_number(vm, vm->thread)].registers;
  caller->pc -= (caller->cpsr & PSR_T) != 0 ? 2u : 4u;
  model_totals.refused++;
}

bool __wrap_console_write(unsigned number, const char *data, uint32_t n) {
  struct vm *vm = &vms[number];
  struct model *m = model_of(vm);
  if (!__real_console_write(number, data, n)) {
    refused(vm, m, n);
    return false;
  }
  if (!outside_is_held(vm)) {
    leave(number, data, n);
    return true;
  }
  memcpy(m->held + m->held_count, data, n);
  m->held_count += n;
  if (!vm_in_kernel(vm)) {
    m->changed |= 1u << m->owner; /* D6: others have seen it, or will */
  }
  return true;
}

int32_t __wrap_channel_notify(struct vm *vm, unsigned c) {
  if (c == 0 && channel_count(vm->index) != 0 && outside_is_held(vm)) {
    model_of(vm)->bell = true;
  }
  return __real_channel_notify(vm, c);
}

void model_outside_commit(struct vm *vm) {
  struct model *m = model_of(vm);
  leave(vm->index, m->held, m->held_count);
  m->held_count = 0;
  memcpy(m->seen, m->now.page[small_page(VMI_CHANNEL_BASE)], sizeof m->seen);
  m->ringing |= m->bell;
  m->bell = false;
}

void __wrap_outside_end(struct vm *vm) {
  model_outside_commit(vm);
  __real_outside_end(vm);
}

void model_outside_rollback(struct vm *vm) {
  struct model *m = model_of(vm);
  model_totals.dropped += m->held_count;
  m->held_count = 0;
  m->bell = false;
  m->ringing = false;
}

void model_bell_heard(unsigned vm) {
  const struct vm *sender = &vms[3u - vm];
  if (outside_is_held(sender)) {
    CHECK(model_of(sender)->ringing, "D9: a bell of VM %u is heard that is not committed", sender->index);
    model_of(sender)->ringing = false;
    model_totals.bells++;
  }
}

void model_check_output(const struct vm *vm) {
  unsigned n = vm->index;
  if (n == 0) {
    return; /* its UART is that of the VMM, too */
  }
  while (console_release()) {
  }
  CHECK(console_held(n) == model_of(vm)->held_count, "D9: VM %u holds %u bytes, expected %u", n, console_held(n),
        model_of(vm)->held_count);
  CHECK(memcmp(&machine_sent[n], &left[n], sizeof left[n]) == 0, "D9: %u bytes have left VM %u, expected %u",
        machine_sent[n].count, n, left[n].count);
}
