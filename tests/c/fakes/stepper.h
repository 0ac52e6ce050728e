/* SPDX-License-Identifier: Apache-2.0 */
/* A function under test, stopped after each of its instructions, with all memory put back as it was. x86-64 only. */
#ifndef FAKES_STEPPER_H
#define FAKES_STEPPER_H

#include <stdint.h>

/* Memory that belongs to the machine under test, besides the variables of the program. */
struct step_memory {
  uint32_t base;
  uint32_t bytes;
};

struct step_watch {
  struct {
    const void *from;
    uint32_t bytes;
  } part[2];
};

/*
 * Calls run(argument). After each of its instructions that has changed what is watched, examine(argument) is called; what that
 * changes in variables and in `memory` is undone before the next instruction, and so is everything at the end. Returns the number of examinations.
 */
unsigned step_through(void (*run)(void *argument), void (*examine)(void *argument), void *argument,
                      struct step_memory memory, struct step_watch watch);

#endif
