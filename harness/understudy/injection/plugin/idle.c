/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin is preloaded, too, so this pthread_cond_wait() stands before that of the C library. A wait may end without
 * a signal (POSIX), so QEMU looks again whether the CPU still sleeps.
 */
#include "idle.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "internals.h"
#include "qemu_plugin_api.h"

typedef int (*wait_function)(pthread_cond_t *condition, pthread_mutex_t *mutex);

static pthread_t cpu_thread;
static bool alone;

static wait_function library_wait(void) {
  static wait_function found;
  if (found == NULL) {
    *(void **)&found = dlvsym(RTLD_NEXT, "pthread_cond_wait", "GLIBC_2.3.2"); /* there is an older one for x86-64 */
    if (found == NULL) {
      *(void **)&found = dlsym(RTLD_NEXT, "pthread_cond_wait");
    }
  }
  return found;
}

PLUGIN_EXPORT int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
  if (!alone || !pthread_equal(pthread_self(), cpu_thread)) {
    return library_wait()(condition, mutex);
  }
  if (qemu.all_cpu_threads_idle()) {
    qemu.icount_start_warp_timer();
    qemu.qemu_clock_run_timers(CLOCK_VIRTUAL);
  }
  return 0;
}

void idle_without_main_loop(void) {
  cpu_thread = pthread_self();
  alone = true;
}
