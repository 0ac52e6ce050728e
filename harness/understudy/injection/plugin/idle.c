/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin is preloaded, too, so that the functions here stand before those of the C library. A wait may end without a
 * signal (POSIX): QEMU looks again whether the CPU still sleeps.
 */
#include "idle.h"

#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "internals.h"
#include "qemu_plugin_api.h"

enum { LOOK_US = 50 };

typedef int (*wait_function)(pthread_cond_t *condition, pthread_mutex_t *mutex);
typedef int (*poll_function)(struct pollfd *files, nfds_t count, const struct timespec *timeout, const sigset_t *mask);

static pthread_t cpu_thread;
static atomic_bool active;
static atomic_bool hold; /* the main loop */
static atomic_bool held;

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

/* The thread of the CPU waits here for the main loop. */
PLUGIN_EXPORT int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
  if (!active || !pthread_equal(pthread_self(), cpu_thread) || qemu.cpu_is_stopped(qemu.qemu_get_cpu(0))) {
    return library_wait()(condition, mutex);
  }
  if (qemu.all_cpu_threads_idle()) {
    qemu.icount_start_warp_timer();
    qemu.qemu_clock_run_timers(CLOCK_VIRTUAL);
  }
  return 0;
}

/* The main loop waits here for anything to happen, without QEMU's lock. */
PLUGIN_EXPORT int ppoll(struct pollfd *files, nfds_t count, const struct timespec *timeout, const sigset_t *mask) {
  static poll_function library_poll;
  if (library_poll == NULL) {
    *(void **)&library_poll = dlsym(RTLD_NEXT, "ppoll");
  }
  while (hold && gettid() == getpid()) {
    held = true;
    usleep(LOOK_US);
  }
  held = false;
  return library_poll(files, count, timeout, mask);
}

void idle_begin(enum main_loop main_loop) {
  cpu_thread = pthread_self();
  active = true;
  if (main_loop == MAIN_LOOP_WAITS) {
    hold = true;
    qemu.qemu_notify_event();
    qemu.qemu_mutex_unlock_iothread();
    while (!held) {
      usleep(LOOK_US);
    }
    qemu.qemu_mutex_lock_iothread_impl(__FILE__, __LINE__);
  }
}

void idle_end(void) {
  active = false;
  hold = false;
}
