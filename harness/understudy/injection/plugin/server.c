/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU plugin that injects faults. At a virtual time after the start of the machine it stops between two instructions
 * and serves requests of the harness. Engines:
 *
 *   fork      for each experiment the process is forked, so each begins with exactly this state, in about a millisecond
 *   snapshot  the harness loads a snapshot before each experiment
 *   process   the process runs one experiment and ends
 *
 * What happens in an experiment is the same code for all of them.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "experiment.h"
#include "golden.h"
#include "idle.h"
#include "internals.h"
#include "machine.h"
#include "output.h"
#include "qemu_plugin_api.h"
#include "trace.h"

enum { REQUEST_MAX = 1 << 16 };

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_VERSION;

struct plan plan;
static enum engine engine;
static int control = -1;
static uint64_t start_ns;
static uint32_t instruction_ns;
static uint64_t watched; /* word of RAM that is traced with each step */
static const char *golden_path;
static const char *trace_path;
static _Alignas(16) uint8_t start_timer[TIMER_SIZE];
static _Alignas(16) uint8_t request_data[REQUEST_MAX];
static uint8_t start_registers[REGISTERS_MAX];
static uint8_t *report; /* shared with forked processes */
static size_t *report_size;

static _Noreturn void die(const char *what) {
  fprintf(stderr, "understudy injector: %s\n", what);
  _exit(EXIT_FAILURE);
}

static bool read_all(void *to, size_t size) {
  for (uint8_t *at = to; size > 0;) {
    ssize_t done = read(control, at, size);
    if (done <= 0) {
      return false;
    }
    at += done;
    size -= (size_t)done;
  }
  return true;
}

static void write_all(const void *from, size_t size) {
  for (const uint8_t *at = from; size > 0;) {
    ssize_t done = write(control, at, size);
    if (done <= 0) {
      _exit(EXIT_SUCCESS); /* the harness is gone */
    }
    at += done;
    size -= (size_t)done;
  }
}

/* An answer: its size, then its content. */
static void answer(const void *data, uint32_t size) {
  write_all(&size, sizeof size);
  write_all(data, size);
}

static const void *take(const uint8_t **at, size_t size) {
  const void *taken = *at;
  *at += size;
  return taken;
}

static void set_up(const uint8_t *data, uint32_t size) {
  uint8_t *kept = malloc(size);
  const uint8_t *at = kept;
  memcpy(kept, data, size);
  memcpy(&plan.setup, take(&at, sizeof plan.setup), sizeof plan.setup);
  if (plan.setup.version != PROTOCOL_VERSION) {
    die("the harness speaks another version of the protocol");
  }
  plan.ranges = take(&at, plan.setup.ranges * sizeof *plan.ranges);
  plan.devices = take(&at, plan.setup.devices * sizeof *plan.devices);
  plan.syncs = take(&at, plan.setup.syncs * sizeof *plan.syncs);
  compare_all_pages = engine != ENGINE_FORK;
  if (!golden_open(golden_path)) {
    die("no place for the states of the golden run, or a range is not RAM");
  }
  answer("", 0);
}

/* The output goes with the report, and is removed before the harness looks. */
static void send_report(size_t size) {
  size = output_collect(report, size);
  if (!output_forget()) {
    die("a UART's file can't be cut");
  }
  answer(report, (uint32_t)size);
}

static void end_by_signal(int number) {
  (void)number;
  *report_size = experiment_ended(report, END_STUCK, 0);
  if (engine != ENGINE_FORK) {
    send_report(*report_size);
  }
  _exit(EXIT_SUCCESS);
}

/* `ms` of the process's processor time, so that it doesn't matter what else the host does; 0: no limit. */
static void guard_time(uint32_t ms) {
  struct itimerval limit = {.it_value = {ms / 1000, ms % 1000 * 1000}};
  sigset_t alarm_only;
  signal(SIGPROF, end_by_signal);
  setitimer(ITIMER_PROF, &limit, NULL);
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGPROF);
  pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
}

static void finished_in_child(size_t size) {
  trace_end();
  *report_size = size;
  _exit(EXIT_SUCCESS);
}

static void finished_here(size_t size) {
  trace_end();
  guard_time(0);
  idle_end(); /* before the harness reads: it may wait for an answer of the main loop */
  send_report(size);
  if (engine == ENGINE_PROCESS) {
    _exit(EXIT_SUCCESS);
  }
  machine_request_pause();
}

/* An empty answer comes before the report. */
static void tell_pause(void) {
  answer("", 0);
}

static void prepare(void (*finished)(size_t size)) {
  const struct run *run = (const struct run *)request_data;
  if (!experiment_prepare(run, (const struct fault *)(request_data + sizeof *run), report, finished)) {
    die("too many faults in one experiment");
  }
  output_begin();
}

static void await_child(pid_t child) {
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    *report_size = experiment_ended(report, END_SIGNAL, (uint32_t)WTERMSIG(status));
  } else if (WEXITSTATUS(status) != 0 || *report_size == 0) {
    *report_size = experiment_ended(report, END_SIGNAL, 256u + (uint32_t)WEXITSTATUS(status));
  }
}

/* true: this is the process of the experiment, and the machine shall run. */
static bool fork_experiment(void) {
  *report_size = 0;
  prepare(finished_in_child);
  pid_t child = fork();
  if (child < 0) {
    die("fork() failed");
  }
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    idle_begin(MAIN_LOOP_IS_GONE);
    guard_time(plan.setup.cpu_ms);
    experiment_begin();
    return true;
  }
  await_child(child);
  send_report(*report_size);
  return false;
}

/* On the thread of the CPU, before its next instruction. Whoever debugs needs the main loop. */
static void take_over(void *cpu, uintptr_t unused) {
  (void)cpu;
  (void)unused;
  idle_begin(experiment_pauses() ? MAIN_LOOP_RUNS : MAIN_LOOP_WAITS);
}

/* Serve requests until the machine shall run. */
static void serve(void *cpu, uintptr_t unused) {
  (void)cpu;
  (void)unused;
  struct request request;
  while (read_all(&request, sizeof request)) {
    if (request.size > REQUEST_MAX || !read_all(request_data, request.size)) {
      break;
    }
    switch (request.kind) {
      case REQUEST_SETUP:
        set_up(request_data, request.size);
        break;
      case REQUEST_RETURN:
        machine_registers(start_registers);
        machine_pause();
        answer("", 0);
        return;
      default:
        if (engine != ENGINE_FORK) {
          guard_time(plan.setup.cpu_ms);
          prepare(finished_here);
          experiment_begin();
          qemu.async_run_on_cpu(qemu.qemu_get_cpu(0), take_over, 0);
          return;
        }
        if (fork_experiment()) {
          return;
        }
    }
  }
  _exit(EXIT_SUCCESS);
}

static int let_fork(void *block, void *unused) {
  (void)unused;
  madvise(qemu.qemu_ram_get_host_addr(block), qemu.qemu_ram_get_max_length(block), MADV_DOFORK);
  return 0;
}

static void start(void *cpu, uintptr_t unused) {
  const char *problem = machine_open();
  if (problem != NULL) {
    die(problem);
  }
  if (engine == ENGINE_FORK) {
    qemu.qemu_ram_foreach_block(let_fork, NULL);
  }
  problem = output_open();
  if (problem != NULL) {
    die(problem);
  }
  answer(report, (uint32_t)machine_describe(report));
  serve(cpu, unused);
}

/* Not while the CPU sleeps: how far QEMU lets time jump then depends on what else it does, such as loading a snapshot. */
static void on_start(void *unused) {
  (void)unused;
  if (qemu.all_cpu_threads_idle()) {
    qemu.timer_mod_ns(start_timer, qemu.qemu_clock_get_ns(CLOCK_VIRTUAL) + instruction_ns);
    return;
  }
  qemu.async_run_on_cpu(qemu.qemu_get_cpu(0), start, 0);
}

/* The machine begins to run; or it goes on from a snapshot, with the experiment that waits in the socket. */
static void on_state(void *unused, bool running, int state) {
  static bool begun;
  static bool returned;
  (void)unused;
  (void)state;
  if (running && returned) {
    machine_set_registers(start_registers);
    serve(NULL, 0);
  } else if (running && !begun) {
    qemu.timer_mod_ns(start_timer, (int64_t)start_ns);
  }
  if (running) {
    experiment_resume();
  }
  begun = true;
  returned = returned || (engine == ENGINE_SNAPSHOT && !running);
}

static void on_cpu(qemu_plugin_id_t id, unsigned cpu) {
  (void)id;
  (void)cpu;
  timer_open(start_timer, on_start);
  experiment_timers();
  qemu.qemu_add_vm_change_state_handler(on_state, NULL);
}

static bool set_option(const char *name, const char *value) {
  if (strcmp(name, "engine") == 0) {
    engine = strcmp(value, "fork") == 0       ? ENGINE_FORK
             : strcmp(value, "snapshot") == 0 ? ENGINE_SNAPSHOT
                                              : ENGINE_PROCESS;
  } else if (strcmp(name, "control") == 0) {
    control = atoi(value);
  } else if (strcmp(name, "start_ns") == 0) {
    start_ns = strtoull(value, NULL, 0);
  } else if (strcmp(name, "instruction_ns") == 0) {
    instruction_ns = (uint32_t)strtoul(value, NULL, 0);
  } else if (strcmp(name, "golden") == 0) {
    golden_path = strdup(value);
  } else if (strcmp(name, "trace") == 0) {
    trace_path = strdup(value);
  } else if (strcmp(name, "watch") == 0) {
    watched = strtoull(value, NULL, 0);
  } else if (strcmp(name, "stop") == 0) {
    plan.stop = (uint32_t)strtoul(value, NULL, 0);
  } else if (strcmp(name, "uart") == 0) {
    output_add(value);
  } else {
    return false;
  }
  return true;
}

static void *share(size_t size) {
  return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    char *value = strchr(argv[i], '=');
    if (value != NULL) {
      *value++ = '\0';
    }
    if (value == NULL || !set_option(argv[i], value)) {
      fprintf(stderr, "understudy injector: %s: no such option\n", argv[i]);
      return EXIT_FAILURE;
    }
  }
  const char *missing = internals_find(engine);
  if (missing != NULL) {
    fprintf(stderr, "understudy injector: this QEMU does not have %s\n", missing);
    return EXIT_FAILURE;
  }
  prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0); /* the kernel then tells for each 4 KiB whether it was written */
  report = share(REPORT_MAX + 4096);
  report_size = share(sizeof *report_size);
  if (report == MAP_FAILED || report_size == MAP_FAILED || !experiment_open()) {
    perror("understudy injector");
    return EXIT_FAILURE;
  }
  experiment_paused = tell_pause;
  trace_to(trace_path, id, instruction_ns, watched);
  qemu_plugin_register_vcpu_init_cb(id, on_cpu);
  return 0;
}
