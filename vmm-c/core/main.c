/* SPDX-License-Identifier: Apache-2.0 */
/* Start-up: entered from start.S in SVC mode, with interrupts masked and the MMU off. */
#include "arch/armv7/mmu.h"
#include "board.h"
#include "core/adopt.h"
#include "core/black_box.h"
#include "core/channel.h"
#include "core/config.h"
#include "core/console.h"
#include "core/fault.h"
#include "core/fault_log.h"
#include "core/print.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "core/vm.h"
#include "core/vmm_fault.h"
#include "drivers/gic.h"
#include "drivers/global_timer.h"

_Noreturn void vmm_main(bool restarted);
_Noreturn void resume(void); /* exceptions.inc */

static void banner(void) {
  print("[vmm] understudy VMI %u build %s system %s board %s\n", VMI_ABI_VERSION, config_build_id, config_system_name,
        BOARD_NAME);
  print("[vmm] %u VMs, %u guests, tick %u us, fault tolerance %s\n", config_vm_count, config_guest_count,
        config_tick_us, recovery_frames > 1u ? "on" : "off");
}

static void autostart(void) {
  for (uint32_t i = 0; i < config_vm_count; i++) {
    struct vm *vm = &vms[i];
    if (vm->config->autostart && vm_create(vm, vm->config->guest) == VMI_OK) {
      vm_start(vm);
    }
  }
}

static void devices_init(void) {
  gic_init();
  timer_init();
  channel_init();
  console_init();
}

/* A reset of the board: nothing is known. */
static void boot(void) {
  black_box_open();
  fault_report_from(fault_log.next_sequence);
  devices_init();
  vm_init();
  banner();
  black_box_report();
  sched_init();
  autostart();
}

/* A micro-reboot: the VMs are there. */
static void restart(void) {
  fault_report_from(vmm_fault_record());
  devices_init();
  sched_init();
  adopt_vms();
  for (unsigned uart = 0; uart < BOARD_UART_COUNT; uart++) {
    console_interrupt(uart); /* what came in the meantime: its interrupt was cleared with all others */
  }
}

/* restarted: this is a micro-reboot (start.S). */
_Noreturn void vmm_main(bool restarted) {
  mmu_init();
  if (restarted) {
    restart();
  } else {
    boot();
  }
  vmm_fault_ready();
  sched_resume();
  resume();
}
