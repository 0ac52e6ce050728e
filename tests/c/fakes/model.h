/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A naive model of checkpoints: it keeps complete copies where vmm-c/recovery/ keeps frames and lists. It stands around
 * core/recovery.h: the linker sends each call of that interface through it (--wrap), so it knows when a checkpoint is due
 * and compares everything when a rollback has been done.
 */
#ifndef FAKES_MODEL_H
#define FAKES_MODEL_H

#include "core/console.h"
#include "core/vm.h"
#include "small_vms.h"

struct model_thread {
  struct context registers; /* with the thread-ID registers */
  struct vfp_context vfp;
};

/* All that a checkpoint consists of. */
struct model_image {
  uint8_t page[SMALL_PAGES][0x1000];
  struct model_thread thread[THREAD_COUNT];
  uint32_t kernel_sp; /* of the VM: stack_top while a task runs */
};

/* A checkpoint of a VM that is older than the last one (D7). */
struct model_generation {
  struct model_image vm;
  struct vm_state state;
  unsigned running;
  struct vmi_vcpu vcpu;
  struct ready_table tasks;
  uint32_t input;
  uint32_t raised;
  uint8_t saved_owner;
};

struct model {
  struct model_image now;
  struct model_image vm;   /* at the checkpoint of the VM */
  struct model_image task; /* at the checkpoint of each task: its pages and registers */
  struct vm_state state;
  unsigned running; /* number of the thread */
  struct vmi_vcpu vcpu;
  struct ready_table tasks;
  uint32_t input;
  uint32_t raised; /* interrupt lines since the checkpoint of the VM */
  uint32_t frames[SMALL_PAGES]; /* base of each page's three frames: never changes */
  uint32_t memory_used;
  uint32_t vm_due; /* switches until the next checkpoint */
  uint32_t task_due[SMALL_TASKS];
  uint8_t owner;
  uint8_t saved_owner;
  bool waits; /* in VMI_WAIT */
  uint32_t committed; /* tasks that have not run since their checkpoint */
  uint32_t written;   /* tasks that the kernel wrote to while they were stopped, in an armed page */
  uint32_t changed;   /* tasks that may not be rolled back alone (D6) */
  char held[CONSOLE_HELD_MAX]; /* text since the checkpoint of the VM */
  uint32_t held_count;
  uint8_t seen[0x1000]; /* the out page of the channel, as the peer may see it */
  bool bell;    /* of the channel: rung since the checkpoint of the VM */
  bool ringing; /* at the checkpoint that is being taken */
  uint32_t edited;    /* threads whose saved registers the VMM is editing */
  struct model_generation older[GENERATIONS_MAX]; /* the youngest first */
  unsigned older_count;
  bool older_damaged; /* by the test: there is no way back to them */
};

extern struct model models[SMALL_VMS];

/* Totals, to see that a run has really exercised what it is for. */
struct model_totals {
  unsigned task_checkpoints;
  unsigned vm_checkpoints;
  unsigned task_rollbacks;
  unsigned vm_rollbacks;
  unsigned refreshed; /* checkpoints renewed because the kernel wrote into a stopped task */
  unsigned dropped;   /* bytes of held text */
  unsigned refused;   /* writes of text for which there was no room */
  unsigned bells;     /* heard */
  unsigned loads;     /* creations and restarts */
  unsigned warm_loads; /* of them those that keep persistent memory */
  unsigned safe_points;
  unsigned promotions;
  unsigned older_rollbacks; /* to an older generation */
  unsigned flips; /* of a bit in a backup: all of them were found */
};
extern struct model_totals model_totals;

static inline struct model *model_of(const struct vm *vm) {
  return &models[vm->index];
}

/* The guest, or the VMM for it, wrote n bytes. */
void model_write(const struct vm *vm, uint32_t va, const void *from, uint32_t n);

/* The VMM is going to read or has edited saved registers: take over what it may have changed, and nothing else. */
void model_sync(struct vm *vm);

/* Compare what the guest sees with the model: one page, or all. Dead bytes of stacks that are saved eagerly do not count. */
void model_compare_page(const struct vm *vm, unsigned page);
void model_compare_memory(const struct vm *vm);

/* The content of both checkpoints of one page, and of all older generations (invariant 3, D7). */
void model_compare_checkpoint(struct vm *vm, unsigned page);
void model_compare_generations(const struct vm *vm, unsigned page);

#endif
