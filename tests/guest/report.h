/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results of guest test programs, one line each on the console of the VM:
 *   TEST name PASS
 *   TEST name FAIL why
 * and DONE at the end. Inline, so that kernel and task sides need no common object.
 */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/print.h"

static inline void report_pass(const char *name) {
  print("TEST %s PASS\n", name);
}

static inline void report_done(void) {
  print("DONE\n");
}

/* Counts the failures of one test and prints the first of them. */
struct report {
  const char *name;
  uint32_t checks;
  uint32_t failures;
};

/* Returns ok, so that a test can stop at its first failure. */
static inline bool report_check(struct report *report, bool ok, const char *why) {
  report->checks++;
  if (!ok && report->failures++ == 0) {
    print("TEST %s FAIL %s (check %u)\n", report->name, why, (unsigned)report->checks);
  }
  return ok;
}

static inline bool report_equal(struct report *report, const char *what, uint32_t is, uint32_t want) {
  report->checks++;
  if (is != want && report->failures++ == 0) {
    print("TEST %s FAIL %s is 0x%x, want 0x%x (check %u)\n", report->name, what, (unsigned)is, (unsigned)want,
          (unsigned)report->checks);
  }
  return is == want;
}

static inline void report_end(const struct report *report) {
  if (report->failures == 0) {
    report_pass(report->name);
  }
}

#endif
