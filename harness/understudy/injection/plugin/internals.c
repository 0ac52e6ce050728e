/* SPDX-License-Identifier: Apache-2.0 */
#include "internals.h"

#include <dlfcn.h>

struct internals qemu;

static const char *find(const char *name, void *slot) {
  void *found = dlsym(RTLD_DEFAULT, name);
  *(void **)slot = found;
  return found != NULL ? NULL : name;
}

const char *internals_find(enum engine engine) {
  const char *missing = NULL;
#define FIND(name, result, arguments) \
  if (missing == NULL) {              \
    missing = find(#name, &qemu.name); \
  }
  INTERNAL_FUNCTIONS(FIND)
  if (engine == ENGINE_FORK) {
    FORK_FUNCTIONS(FIND)
  } else if (engine == ENGINE_SNAPSHOT) {
    SNAPSHOT_FUNCTIONS(FIND)
  }
#undef FIND
  if (missing == NULL) {
    missing = find("vmstate_arm_cpu", &qemu.cpu_state);
  }
  if (missing == NULL) {
    missing = find("address_space_memory", &qemu.address_space);
  }
  if (missing == NULL && dlsym(RTLD_DEFAULT, "current_cpu") == NULL) {
    missing = "current_cpu";
  }
  return missing != NULL ? missing : find("main_loop_tlg", &qemu.main_loop_timers);
}

static void *lists[8]; /* QEMUTimerListGroup: one for each clock */

/* Devices ask which CPU accesses them; on the thread of QEMU's main loop none does (`current_cpu`, one for each thread). */
static void run_timers(void *unused, int clock) {
  (void)unused;
  void **current = dlsym(RTLD_DEFAULT, "current_cpu");
  void *before = *current;
  if (lists[clock] != NULL) {
    *current = qemu.qemu_get_cpu(0);
    (void)qemu.timerlist_run_timers(lists[clock]);
    *current = before;
  }
}

void timer_open(void *timer, timer_callback callback) {
  if (lists[CLOCK_VIRTUAL] == NULL) {
    lists[CLOCK_VIRTUAL] = qemu.timerlist_new(CLOCK_VIRTUAL, run_timers, NULL);
  }
  qemu.timer_init_full(timer, lists, CLOCK_VIRTUAL, 1, TIMER_EXTERNAL, callback, NULL);
}
