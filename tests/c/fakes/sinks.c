/* SPDX-License-Identifier: Apache-2.0 */
/* What the VMM prints goes nowhere. */
#include "board.h"
#include "core/fault.h"
#include "core/print.h"
#include "core/vmm_fault.h"
#include "machine.h"

void print(const char *fmt, ...) {
  (void)fmt;
}

void print_guest(char c) {
  (void)c;
}

bool print_guest_is_cut(void) {
  return false;
}

void print_own(char c) {
  (void)c;
}

void print_fresh_line(void) {
}

bool fault_report(void) {
  return false;
}

/* What the linker script defines: nothing is scrubbed here. */
const uint8_t __text_start[1], __checksums_start[1], __guest_images_start[1];

_Noreturn void vmm_fault_raise(enum vmi_fault_class class, uint32_t address) {
  test_failed("the VMM failed: class %u, address %08x", class, address);
}

_Noreturn void vmm_stop(void) {
  test_failed("the VMM stopped");
}

uint32_t vmm_fault_restarts(void) {
  return 0;
}

_Noreturn void board_power_off(void) {
  test_failed("the machine was switched off");
}
