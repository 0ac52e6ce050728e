/* SPDX-License-Identifier: Apache-2.0 */
#include "registers.h"

#include "lib/format.h"
#include "vmi.h"

_Static_assert(offsetof(struct vmi_info, recoveries) == 16, "registers.S");

#define DECLARE(state, endian)                                                       \
  extern const char event_svc_##state##_##endian[], event_spin_##state##_##endian[], \
      event_spin_exit_##state##_##endian[]

DECLARE(arm, le);
DECLARE(thumb, le);
DECLARE(arm, be);
DECLARE(thumb, be);

/* Bit 0 of a Thumb address is set by the linker: the symbols are functions. */
const struct event events_svc[WAYS] = {
    {"ARM", event_svc_arm_le, NULL, false},
    {"Thumb", event_svc_thumb_le, NULL, false},
    {"ARM, big endian", event_svc_arm_be, NULL, true},
    {"Thumb, big endian", event_svc_thumb_be, NULL, true},
};

const struct event events_spin[WAYS] = {
    {"ARM", event_spin_arm_le, event_spin_exit_arm_le, false},
    {"Thumb", event_spin_thumb_le, event_spin_exit_thumb_le, false},
    {"ARM, big endian", event_spin_arm_be, event_spin_exit_arm_be, true},
    {"Thumb, big endian", event_spin_thumb_be, event_spin_exit_thumb_be, true},
};

extern const char event_checkpoint_arm_le[];
const struct event event_checkpoint = {"ARM", event_checkpoint_arm_le, NULL, false};

static uint32_t next_random(uint32_t *random) {
  *random = *random * 1664525u + 1013904223u;
  return *random;
}

void registers_fill(struct registers *in, uint32_t *random) {
  for (unsigned i = 0; i < 13; i++) {
    in->r[i] = next_random(random);
  }
  in->lr = next_random(random);
  in->flags = next_random(random) & FLAGS_SETTABLE;
  in->thread_id = next_random(random);
  in->fpscr = next_random(random) & FPSCR_SETTABLE;
  for (unsigned i = 0; i < 32; i++) {
    in->d[i] = (uint64_t)next_random(random) << 32 | next_random(random);
  }
}

uint32_t word_for(const struct event *event, uint32_t value) {
  return event->big_endian ? __builtin_bswap32(value) : value;
}

static uint32_t address_of(const void *place) {
  return (uint32_t)(uintptr_t)place;
}

void run_prepare(struct run *run, const struct event *event) {
  run->event = address_of(event->start);
  run->cell = word_for(event, address_of(event->start));
  run->exit = word_for(event, address_of(event->exit));
  run->scratch = 0;
}

static void compare_core(struct report *report, const struct registers *in, const struct registers *out,
                         uint32_t results) {
  for (unsigned i = 0; i < 13; i++) {
    char name[8];

    if (i < 2 && (results >> i & 1) != 0) {
      continue;
    }
    format_text(name, sizeof(name), "r%u", i);
    report_equal(report, name, out->r[i], in->r[i]);
  }
  report_equal(report, "lr", out->lr, in->lr);
  report_equal(report, "flags", out->flags & FLAGS_MASK, in->flags);
  report_equal(report, "TPIDRURW", out->thread_id, in->thread_id);
}

static void compare_vfp(struct report *report, const struct registers *in, const struct registers *out) {
  report_equal(report, "FPSCR", out->fpscr, in->fpscr);
  for (unsigned i = 0; i < 32; i++) {
    char name[12];

    format_text(name, sizeof(name), "d%u low", i);
    report_equal(report, name, (uint32_t)out->d[i], (uint32_t)in->d[i]);
    format_text(name, sizeof(name), "d%u high", i);
    report_equal(report, name, (uint32_t)(out->d[i] >> 32), (uint32_t)(in->d[i] >> 32));
  }
}

bool registers_same(struct report *report, const struct registers *in, const struct run *run, uint32_t results) {
  uint32_t failures = report->failures;

  compare_core(report, in, &run->out, results);
  compare_vfp(report, in, &run->out);
  report_equal(report, "sp", run->out.sp, address_of(&run->out));
  return report->failures == failures;
}
