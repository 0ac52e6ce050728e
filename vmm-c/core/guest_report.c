/* SPDX-License-Identifier: Apache-2.0 */
#include "core/guest_report.h"

#include "core/fault.h"
#include "core/guest_access.h"
#include "drivers/global_timer.h"

#define WINDOW (BOARD_TIMER_CLOCK_HZ >> HEALTH_TIME_SHIFT) /* a second */

int32_t report_ready(struct vm *vm, struct context *frame) {
  (void)frame;
  vm->boot = VMI_BOOT_READY;
  return VMI_OK;
}

static bool printable(char c) {
  return c >= ' ' && c <= '~';
}

/* A text that the caller may not read is none: who gives up is heard all the same. */
static void last_words_take(struct vm *vm, uint32_t from, uint32_t length) {
  char *text = vm->last_words;
  uint32_t taken = length < VMI_LAST_WORDS ? length : VMI_LAST_WORDS - 1u;
  if (!guest_read(vm, text, from, taken)) {
    taken = 0;
  }
  for (uint32_t i = 0; i < taken; i++) {
    if (!printable(text[i])) {
      text[i] = '.';
    }
  }
  text[taken] = '\0';
}

int32_t report_panic(struct vm *vm, struct context *frame) {
  const struct vmi_fault what = {
      .kind = VMI_FAULT_GUEST, .class = VMI_CLASS_PANIC, .status = frame->r[0], .pc = frame->pc, .address = frame->pc};
  last_words_take(vm, frame->r[1], frame->r[2]);
  fault_later(vm, vm_current_task(vm), &what);
  return VMI_OK;
}

static bool is_misuse(int32_t error) {
  return error <= VMI_ENOCALL && error >= VMI_EFAULT;
}

int32_t report_refused(struct vm *vm, const struct context *frame, int32_t error) {
  if (!is_misuse(error)) {
    return error;
  }
  uint64_t time = timer_now();
  uint32_t now = health_time((uint32_t)time, (uint32_t)(time >> 32));
  if (vm->misuse.count == 0 || now - vm->misuse.window_start >= WINDOW) {
    vm->misuse = (struct misuse){.window_start = now};
  }
  vm->counters.refused++;
  vm->misuse.count++;
  if (vm->config->misuse_max != 0 && vm->misuse.count > vm->config->misuse_max) {
    vm->misuse.count = 0;
    fault_later(vm, vm_current_task(vm),
                &(struct vmi_fault){.kind = VMI_FAULT_CALL,
                                    .class = VMI_CLASS_MISUSE,
                                    .status = frame->r[12],
                                    .pc = frame->pc,
                                    .address = frame->pc});
  }
  return error;
}
