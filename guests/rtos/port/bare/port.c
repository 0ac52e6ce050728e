/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel alone on the board: same kernel, same tasks, no VMM and no protection (third bar of R43).
 * Contexts and ready table are here; the tasks find the few VMI calls and the info page they know in bare_call.
 */
#include "port/port.h"

#include <stddef.h>

#include "board.h"
#include "cpu.h"
#include "os_cfg.h"
#include "ready.h"
#include "task_table.h"
#include "vmi.h"

#define TICK_US (1000000u / OS_TICKS_PER_SEC)

_Static_assert(offsetof(struct context, pc) == 60, "CONTEXT_PC of context.S");
_Static_assert(sizeof(struct vfp_context) % 8 == 0, "VFP registers are stored as double words");

extern struct vmi_info __info_page; /* placed by the linker script, mapped at VMI_INFO_PAGE */

static struct context contexts[OS_MAX_TASKS];
static struct vfp_context vfp_contexts[OS_MAX_TASKS];
static uint32_t current = VMI_TASK_KERNEL;
static uint32_t vfp_owner = VMI_TASK_KERNEL;

/* Entries, called from context.S. */
_Noreturn void bare_call(const struct os_request *request);
bool bare_vfp_wanted(void);
_Noreturn void bare_fault(uint32_t pc, uint32_t cpsr, uint32_t address, uint32_t status);

static _Noreturn void run(uint32_t slot) {
  current = slot;
  vfp_enable(vfp_owner == slot);
  context_run(&contexts[slot]);
}

void port_init(void) {
  __info_page = (struct vmi_info){
      .abi_version = VMI_ABI_VERSION,
      .task_count = os_task_count,
      .tick_us = TICK_US,
      .starts = 1,
      .name = "bare",
  };
  board_init();
}

void port_tick_start(void) {
  board_tick_start(TICK_US);
}

void port_ready(void) {
}

INT32U port_ticks_take(void) {
  return board_ticks_take();
}

void port_idle(void) {
  cpu_wait_for_interrupt(); /* a pending interrupt ends it although it is masked (ARM ARM B1.8.14) */
}

void port_safe_point(void) {
}

INT32U port_current(void) {
  return current;
}

/* All tasks share one address space here: only the functions of the table are known to belong to a slot. */
INT32U port_task_slot(INT32U entry) {
  uint32_t slot = 0;

  while (slot < os_task_count && (INT32U)os_task_table[slot].entry != entry) {
    slot++;
  }
  return slot < os_task_count ? slot : OS_MAX_TASKS;
}

bool port_task_create(INT32U slot, INT32U entry, INT32U stack, INT32U argument, INT32U priority) {
  contexts[slot] = (struct context){.r = {[0] = argument, [13] = stack}, .pc = entry, .cpsr = CPSR_MODE_SYS};
  vfp_contexts[slot] = (struct vfp_context){{0}};
  ready_set_priority(slot, priority);
  return true;
}

void port_task_delete(INT32U slot) {
  ready_remove(slot);
  if (vfp_owner == slot) {
    vfp_owner = VMI_TASK_KERNEL;
  }
}

void port_task_ready(INT32U slot) {
  ready_insert(slot);
}

void port_task_unready(INT32U slot) {
  ready_remove(slot);
}

void port_task_priority(INT32U slot, INT32U priority) {
  ready_set_priority(slot, priority);
}

void port_task_result(INT32U slot, INT32U value, INT32U error) {
  contexts[slot].r[0] = value;
  contexts[slot].r[1] = error;
}

_Noreturn void port_return(INT32U value, INT32U error) {
  port_task_result(current, value, error);
  run(ready_first()); /* at least the caller is ready */
}

void port_switch(INT32U slot) {
  if (slot == PORT_TASK_NEXT) {
    slot = ready_first();
  }
  if (slot != READY_NONE) {
    run(slot);
  }
}

/* The VMI calls that a task may make. */
_Noreturn void bare_call(const struct os_request *request) {
  struct context *context = &contexts[current];
  uint64_t time;

  switch (request->number) {
    case VMI_VERSION:
      context->r[0] = VMI_ABI_VERSION;
      break;
    case VMI_TIME:
      time = board_time();
      context->r[0] = (uint32_t)time;
      context->r[1] = (uint32_t)(time >> 32);
      break;
    case VMI_CONSOLE_WRITE:
      board_write((const char *)request->a[0], request->a[1]);
      context->r[0] = request->a[1];
      break;
    case VMI_PANIC:
      board_write("\nbare: a task gives up: ", 24);
      board_write((const char *)request->a[1], request->a[2]);
      board_write("\n", 1);
      board_power_off(); /* nothing stands by to take over here */
    case VMI_YIELD:
      context->r[0] = VMI_OK;
      break;
    default:
      context->r[0] = (uint32_t)VMI_EPERM;
      break;
  }
  run(current);
}

/* An instruction was undefined. True: because the VFP was off for this task, which it no longer is. */
bool bare_vfp_wanted(void) {
  if (vfp_is_enabled()) {
    return false;
  }
  vfp_enable(true);
  if (vfp_owner != VMI_TASK_KERNEL) {
    vfp_save(&vfp_contexts[vfp_owner]);
  }
  vfp_load(&vfp_contexts[current]);
  vfp_owner = current;
  return true;
}

static void write_hex(const char *label, uint32_t value) {
  static const char digits[] = "0123456789abcdef";
  char text[8];

  for (uint32_t i = 0; i < sizeof(text); i++) {
    text[i] = digits[value >> (28u - 4u * i) & 15u];
  }
  board_write(label, (uint32_t)__builtin_strlen(label));
  board_write(text, sizeof(text));
}

/* Nothing stands by to take over here. */
_Noreturn void bare_fault(uint32_t pc, uint32_t cpsr, uint32_t address, uint32_t status) {
  write_hex("\nbare: fault of task ", current);
  write_hex(", lr ", pc);
  write_hex(" cpsr ", cpsr);
  write_hex(" dfar ", address);
  write_hex(" dfsr ", status);
  board_write("\n", 1);
  board_power_off();
}
