/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the injector uses of QEMU 7.2 besides its plugin interface: functions that Debian's binary exports because it is
 * built with loadable modules. Nothing is linked: each is looked up when the plugin is loaded, so that one that is
 * missing is an answer ("this QEMU can't do it") and not a crash.
 */
#ifndef INTERNALS_H
#define INTERNALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* QEMU: include/migration/vmstate.h, struct VMStateField and VMStateDescription. */
struct state_field {
  const char *name;
  const char *error_hint;
  size_t offset;
  size_t size;
  size_t start;
  int count;
  size_t count_offset;
  size_t size_offset;
  const void *info;
  int flags;
  const void *description;
  int version;
  int structure_version;
  bool (*exists)(void *object, int version);
};

struct state_description {
  const char *name;
  int unmigratable;
  int version;
  int minimum_version;
  int priority;
  int (*pre_load)(void *object);
  int (*post_load)(void *object, int version);
  int (*pre_save)(void *object);
  int (*post_save)(void *object);
  bool (*needed)(void *object);
  bool (*unplug_pending)(void *object);
  const struct state_field *fields;
  const struct state_description *const *subsections;
};

/* QEMU: target/arm/cpregs.h, the beginning of struct ARMCPRegInfo. */
struct coprocessor_register {
  const char *name;
  uint8_t coprocessor;
  uint8_t crn;
  uint8_t crm;
  uint8_t op0;
  uint8_t op1;
  uint8_t op2;
  int state;
  int type;
  int access;
  int security;
  void *opaque;
  uint64_t reset_value;
  ptrdiff_t field; /* offset from r0; 0: it has none */
};

typedef void (*timer_callback)(void *argument);
typedef void (*state_callback)(void *argument, bool running, int state);
typedef void (*work_function)(void *cpu, uintptr_t argument);

#define CPSR_WRITE_RAW 2 /* as it is: no change of banked registers */
#define CPSR_WRITE_DEBUGGER 3
#define STATE_PAUSED 4 /* RunState */
#define CLOCK_VIRTUAL 1
#define ATTRIBUTES_SECURE 2u /* MemTxAttrs: as secure software does */
#define TIMER_EXTERNAL 1
#define TIMER_SIZE 128 /* at least that of QEMUTimer */

/* name, result, arguments; all are needed by every engine. */
#define INTERNAL_FUNCTIONS(USE)                                                                       \
  USE(qemu_get_cpu, void *, (int index))                                                              \
  USE(qemu_clock_get_ns, int64_t, (int clock))                                                        \
  USE(icount_get_raw, int64_t, (void))                                                                \
  USE(timer_init_full, void,                                                                          \
      (void *timer, void *lists, int clock, int scale, int attributes, timer_callback, void *argument)) \
  USE(timerlist_new, void *, (int clock, void (*notify)(void *argument, int clock), void *argument))  \
  USE(timerlist_run_timers, bool, (void *list))                                                       \
  USE(timer_mod_ns, void, (void *timer, int64_t time))                                                \
  USE(timer_del, void, (void *timer))                                                                 \
  USE(async_run_on_cpu, void, (void *cpu, work_function, uintptr_t argument))                         \
  USE(cpu_physical_memory_rw, void, (uint64_t address, void *data, uint64_t size, bool write))        \
  USE(address_space_rw, uint32_t,                                                                     \
      (void *space, uint64_t address, uint32_t attributes, void *data, uint64_t size, bool write))    \
  USE(cpu_physical_memory_map, void *, (uint64_t address, uint64_t *size, bool write))                \
  USE(cpsr_read, uint32_t, (void *env))                                                               \
  USE(cpsr_write, void, (void *env, uint32_t value, uint32_t mask, int type))                         \
  USE(arm_rebuild_hflags, void, (void *env))                                                          \
  USE(get_arm_cp_reginfo, const struct coprocessor_register *, (void *registers, uint32_t key))       \
  USE(tlb_flush, void, (void *cpu))                                                                   \
  USE(tb_flush, void, (void *cpu))                                                                    \
  USE(vm_stop, int, (int state))                                                                      \
  USE(all_cpu_threads_idle, bool, (void))                                                             \
  USE(qemu_add_vm_change_state_handler, void *, (state_callback, void *argument))

/* Only the engine that keeps QEMU and loads a snapshot needs these. */
#define SNAPSHOT_FUNCTIONS(USE)                        \
  USE(qemu_system_vmstop_request_prepare, void, (void)) \
  USE(qemu_system_vmstop_request, void, (int state))

/* Only the fork server needs these. */
#define FORK_FUNCTIONS(USE)                                                        \
  USE(icount_start_warp_timer, void, (void))                                       \
  USE(qemu_clock_run_timers, bool, (int clock))                                    \
  USE(qemu_ram_foreach_block, int, (int (*visit)(void *block, void *), void *))    \
  USE(qemu_ram_get_host_addr, void *, (void *block))                               \
  USE(qemu_ram_get_max_length, uint64_t, (void *block))

#define DECLARE_FUNCTION(name, result, arguments) result(*name) arguments;
struct internals {
  INTERNAL_FUNCTIONS(DECLARE_FUNCTION)
  FORK_FUNCTIONS(DECLARE_FUNCTION)
  SNAPSHOT_FUNCTIONS(DECLARE_FUNCTION)
  const struct state_description *cpu_state; /* vmstate_arm_cpu */
  void *main_loop_timers;                    /* main_loop_tlg */
  void *address_space;                       /* address_space_memory: what the CPU sees */
};
#undef DECLARE_FUNCTION

extern struct internals qemu;

/*
 * Make a timer of the virtual clock that does not disturb the machine: QEMU lets time jump over it while the CPU sleeps,
 * and it stands in a list of its own, because how far time jumps depends on which timer is the first of the list of the
 * devices (timerlist_rearm()). It fires between two instructions, exactly at its time; or late when the CPU sleeps, but
 * before the timer of the device that wakes it. It may be on any thread, with QEMU's lock, while the CPU stands.
 */
void timer_open(void *timer, timer_callback callback);

enum engine { ENGINE_FORK, ENGINE_SNAPSHOT, ENGINE_PROCESS };

/* Look up what an engine needs. Returns the name of the first that is missing, or NULL. */
const char *internals_find(enum engine engine);

#endif
