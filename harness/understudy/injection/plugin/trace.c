/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same timer that injects faults stops the machine after each instruction. So a step is exactly what an injection
 * at that time finds, at exceptions and after sleep, too. Accesses to memory are reported by the plugin interface.
 */
#include "trace.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "internals.h"
#include "machine.h"

static const char *file_path;
static FILE *file;
static qemu_plugin_id_t plugin_id;
static uint32_t step_ns;
static uint64_t watched_word;
static uint64_t end;
static uint64_t step_time; /* the clock can't be read while an instruction runs */
static bool active;
static _Alignas(16) uint8_t timer[TIMER_SIZE];

void trace_to(const char *path, qemu_plugin_id_t plugin, uint32_t instruction_ns, uint64_t watched) {
  watched_word = watched;
  file_path = path;
  plugin_id = plugin;
  step_ns = instruction_ns;
}

static void put(enum trace_kind kind, uint32_t a, uint32_t b, uint32_t c) {
  struct trace_record record = {step_time, kind, a, b, c};
  if (fwrite(&record, sizeof record, 1, file) != 1) {
    perror("understudy injector: trace");
    _Exit(EXIT_FAILURE);
  }
}

/* While the CPU sleeps the timer fires late. Then the next step is when it has woken up, before the exception. */
static uint64_t next_step(void) {
  static uint64_t slept;
  uint32_t watched = 0;
  if (!qemu.all_cpu_threads_idle()) {
    ram_read(watched_word, &watched, sizeof watched);
    put(TRACE_STEP, machine_core(15), machine_core(CPSR), watched);
    return step_time + step_ns;
  }
  if (slept == step_time) {
    return step_time + step_ns;
  }
  put(TRACE_IDLE, machine_core(15), machine_core(CPSR), 0);
  slept = step_time;
  return step_time;
}

static void on_timer(void *unused) {
  (void)unused;
  step_time = (uint64_t)qemu.qemu_clock_get_ns(CLOCK_VIRTUAL);
  if (step_time >= end || !active) {
    trace_end();
    return;
  }
  qemu.timer_mod_ns(timer, (int64_t)next_step());
}

static void on_access(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *unused) {
  (void)cpu;
  (void)unused;
  struct qemu_plugin_hwaddr *physical = qemu_plugin_get_hwaddr(info, address);
  if (active && physical != NULL && !qemu_plugin_hwaddr_is_io(physical)) {
    put(qemu_plugin_mem_is_store(info) ? TRACE_WRITE : TRACE_READ, (uint32_t)qemu_plugin_hwaddr_phys_addr(physical),
        1u << qemu_plugin_mem_size_shift(info), (uint32_t)address);
  }
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  (void)id;
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
    qemu_plugin_register_vcpu_mem_cb(qemu_plugin_tb_get_insn(block, i), on_access, QEMU_PLUGIN_CB_NO_REGS,
                                     QEMU_PLUGIN_MEM_RW, NULL);
  }
}

void trace_begin(uint64_t until) {
  file = fopen(file_path, "wb");
  if (file == NULL) {
    perror(file_path);
    _Exit(EXIT_FAILURE);
  }
  setvbuf(file, NULL, _IOFBF, 1 << 20);
  end = until;
  active = true;
  qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, on_translation);
  qemu.tb_flush(qemu.qemu_get_cpu(0));
  timer_open(timer, on_timer);
  qemu.timer_mod_ns(timer, qemu.qemu_clock_get_ns(CLOCK_VIRTUAL));
}

void trace_end(void) {
  if (active) {
    active = false;
    fclose(file);
  }
}
