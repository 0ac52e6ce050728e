/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE
#include "stepper.h"

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "machine.h"

#define COPY_BYTES (8u << 20)

extern char __data_start[];
extern char _end[];

/* Not among the variables: they are put back after each examination. */
struct rig {
  void (*examine)(void *argument);
  void *argument;
  struct step_memory memory;
  struct step_watch watch;
  unsigned examined;
  uint8_t *before;         /* what is watched, when it was examined last */
  uint8_t *copy;           /* variables, then memory */
  uint8_t *origin;         /* the same, at the start */
};

static struct rig *rig;

static void *memory_of(const struct rig *r) {
  return (void *)(uintptr_t)r->memory.base;
}

static bool changed(const struct rig *r) {
  const uint8_t *before = r->before;
  for (unsigned i = 0; i < 2; before += r->watch.part[i].bytes, i++) {
    if (memcmp(before, r->watch.part[i].from, r->watch.part[i].bytes) != 0) {
      return true;
    }
  }
  return false;
}

static void note(struct rig *r) {
  uint8_t *before = r->before;
  for (unsigned i = 0; i < 2; before += r->watch.part[i].bytes, i++) {
    memcpy(before, r->watch.part[i].from, r->watch.part[i].bytes);
  }
}

static unsigned long variables(void) {
  return (unsigned long)(_end - __data_start);
}

static void keep(const struct rig *r, uint8_t *copy) {
  memcpy(copy, __data_start, variables());
  memcpy(copy + variables(), memory_of(r), r->memory.bytes);
}

static void put_back(const struct rig *r, const uint8_t *copy) {
  memcpy(__data_start, copy, variables());
  memcpy(memory_of(r), copy + variables(), r->memory.bytes);
}

static void examine(struct rig *r) {
  keep(r, r->copy);
  r->examine(r->argument);
  r->examined++;
  put_back(r, r->copy);
}

static void trapped(int signal) {
  (void)signal;
  if (changed(rig)) {
    note(rig);
    examine(rig);
  }
}

static void *memory_for(unsigned long bytes) {
  void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED, "no memory");
  return memory;
}

static void prepare(void) {
  struct sigaction action = {.sa_handler = trapped};
  if (rig == NULL) {
    rig = memory_for(sizeof *rig);
    rig->before = memory_for(COPY_BYTES);
    rig->copy = memory_for(COPY_BYTES);
    rig->origin = memory_for(COPY_BYTES);
    CHECK(sigaction(SIGTRAP, &action, NULL) == 0, "no signal handler");
  }
}

unsigned step_through(void (*run)(void *argument), void (*examine_it)(void *argument), void *argument,
                      struct step_memory memory, struct step_watch watch) {
  prepare();
  CHECK(variables() + memory.bytes <= COPY_BYTES, "too many variables");
  rig->examine = examine_it;
  rig->argument = argument;
  rig->memory = memory;
  rig->watch = watch;
  rig->examined = 0;
  note(rig);
  keep(rig, rig->origin);
  __asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc"); /* EFLAGS.TF */
  run(argument);
  __asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
  put_back(rig, rig->origin);
  return rig->examined;
}
