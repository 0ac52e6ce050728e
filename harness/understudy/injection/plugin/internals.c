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
  return missing != NULL ? missing : find("main_loop_tlg", &qemu.main_loop_timers);
}
