/* SPDX-License-Identifier: Apache-2.0 */
/* A small system for host-built tests: VM0 (not tracked, no tasks) and two equal VMs of three tasks with a channel. */
#ifndef FAKES_SMALL_VMS_H
#define FAKES_SMALL_VMS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/vm.h"

#define SMALL_VMS 3u
#define SMALL_TASKS 3u
#define SMALL_PAGES 24u                     /* at most, that the guest can write, without the vCPU page */
#define SMALL_PURE_CALL VMI_GUEST_CALL      /* changes nothing in the kernel */
#define SMALL_CALL (VMI_GUEST_CALL + 1u)    /* may */
#define SMALL_CALL_HIGH (VMI_GUEST_CALL + 40u) /* beyond what the header's mask can declare */

struct small_page {
  uint32_t va;
  uint32_t stack_base; /* 0: no stack */
  enum save_policy policy;
  bool persistent;
  uint8_t content[0x1000]; /* pristine */
};

extern struct small_page small_pages[SMALL_PAGES];
extern unsigned small_page_count;

/* Choice of the saving policy of each segment: the same for all, or any (from the seed). */
typedef enum save_policy (*policy_chooser)(void);
enum save_policy small_undo(void);
enum save_policy small_eager(void);
enum save_policy small_full(void);
enum save_policy small_mixed(void);

#define SMALL_CHOOSERS 4u
extern const policy_chooser small_choosers[SMALL_CHOOSERS]; /* all of them */

/*
 * Periods count switches; of the VM 0: only on request of the guest; of the tasks 0: another one for each, the first only with
 * the VM. unsaved_regions: some data are no part of checkpoints.
 *
 * Sets up the tables of guests and VMs, which a test may still change. VM2 may be without protection.
 */
void small_configure(policy_chooser choose, uint32_t vm_period, uint32_t task_period, unsigned generations,
                     bool unsaved_regions, bool protect_vm2);

/* The machine as configured, all VMs created and started and the first one running; and all of them destroyed. */
void small_power_on(void);
void small_power_off(void);

/* Bytes from the top of a stack to its bottom, and its top, for a task, or for the kernel (KERNEL_THREAD). */
#define SMALL_STACK_SIZE 0x2000u
uint32_t small_stack_top(unsigned thread);

/* Number of the page in small_pages that va lies in, or -1. */
int small_page(uint32_t va);

/* Is the page part of checkpoints? */
static inline bool small_is_saved(unsigned page) {
  return small_pages[page].policy != SAVE_NONE;
}

/* Task of the window that va lies in, or -1. */
int small_task(uint32_t va);

/* Everything that a guest may map: for machine_reset. */
unsigned small_mapped(uint32_t *addresses);

#endif
