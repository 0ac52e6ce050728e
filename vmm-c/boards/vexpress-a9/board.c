// SPDX-License-Identifier: Apache-2.0
#include "board.h"

#include "drivers/mmio.h"

/* ARM DUI 0447, 4.3.15 and 4.3.16: configuration data and control registers. */
#define SYS_CFGDATA (BOARD_SYSREGS_BASE + 0xa0)
#define SYS_CFGCTRL (BOARD_SYSREGS_BASE + 0xa4)
#define CFGCTRL_START 0x80000000u
#define CFGCTRL_WRITE 0x40000000u
#define CFGCTRL_FUNCTION(f) ((uint32_t)(f) << 20)
#define FUNCTION_SHUTDOWN 8

_Noreturn void board_power_off(void) {
  mmio_write(SYS_CFGDATA, 0);
  mmio_write(SYS_CFGCTRL, CFGCTRL_START | CFGCTRL_WRITE | CFGCTRL_FUNCTION(FUNCTION_SHUTDOWN));
  /* The controller works asynchronously: the CPU may run on for a while. */
  for (;;) {
    (void)mmio_read(SYS_CFGCTRL);
  }
}
