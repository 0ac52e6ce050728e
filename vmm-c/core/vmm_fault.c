/* SPDX-License-Identifier: Apache-2.0 */
/* A fault of the VMM itself (R31, D2): nothing can be trusted any more, so say what is known and stop the system. */
#include "core/vmm_fault.h"

#include "arch/armv7/cp15.h"
#include "core/print.h"
#include "core/vm.h"

static const char *const kinds[] = {"data abort", "prefetch abort", "undefined instruction", "unexpected exception"};

_Noreturn void vmm_fault(const struct vmm_registers *registers, uint32_t kind, uint32_t sp, uint32_t lr) {
  print("[vmm] VMM FAULT: %s in the VMM itself; the system stops\n", kinds[kind & 3u]);
  for (unsigned i = 0; i < 13; i++) {
    print("%sr%u %08x%s", i % 4u == 0 ? "[vmm]   " : " ", i, registers->r[i], i % 4u == 3u ? "\n" : "");
  }
  print(" sp %08x lr %08x pc %08x\n", sp, lr, registers->pc);
  print("[vmm]   cpsr %08x dfsr %08x dfar %08x ifsr %08x ifar %08x vm %s\n", registers->cpsr, read_dfsr(), read_dfar(),
        read_ifsr(), read_ifar(), current_vm != NULL ? current_vm->config->name : "none");
  print("[vmm] SYSTEM STOPPED\n");
  vmm_stop();
}

_Noreturn void vmm_stop(void) {
  for (;;) {
    wfi();
  }
}
