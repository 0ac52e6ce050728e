/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual machines, their threads (guest kernel and tasks) and their memory. */
#ifndef CORE_VM_H
#define CORE_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/armv7/context.h"
#include "core/config.h"
#include "core/health.h"
#include "core/ready.h"
#include "vmi.h"

#define KERNEL_THREAD VMI_TASK_MAX /* threads[0..12]: tasks; threads[13]: the guest kernel */
#define THREAD_COUNT (VMI_TASK_MAX + 1)
#define WINDOW_COUNT 17
#define WINDOW_KERNEL 1u
#define WINDOW_SHARED 2u
#define WINDOW_TASK 3u /* of task 0 */
#define WINDOW_VMM 16u /* info page and channels */

#define SCHEDULER_FIRST 23 /* bit of VM 0 in masks of VMs: the leading zeros are then the index into struct scheduler */

/*
 * One thread's registers. Each thread has three frames, called images. A checkpoint copies nothing: it names the image that
 * it wants kept, and the registers go to another one at the next exception.
 *   frame       the registers of a thread that does not run
 *   park        where they go at the next exception: never an image that a checkpoint holds
 *   task_saved  of the task's checkpoint
 *   vm_saved    of the VM's checkpoint; 0: the same as task_saved
 * Without fault tolerance all of them stay the same image. The first words are used by the fast paths (offsets below).
 */
struct thread {
  uint32_t unsaved; /* 0: when the thread is left, there is nothing to save but registers, and a fast path may do it */
  image_t park;
  image_t frame;
  uint32_t impure; /* not 0: changed state of the kernel or shared state since its checkpoint (D6) */
  image_t task_saved;
  image_t vm_saved;
  uint32_t dacr; /* domains that it may use (R9) */
  uint8_t vfp_active;
  uint8_t vfp_task_saved;
  uint8_t vfp_vm_saved;
  uint8_t reserved;
  uint16_t saves_due; /* switches away until the next task checkpoint, if its schedule counts them */
  uint32_t rollbacks;
  struct context frames[3];
};

/* State of the virtual devices that a VM rollback restores (D4). */
struct vm_state {
  uint32_t timer_period; /* VMM ticks, 0: off */
  uint32_t timer_next; /* VMM tick at which the next period ends */
  bool waiting; /* in VMI_WAIT */
  uint8_t object_count;
  uint32_t objects; /* address of the guest's table of them (VMI_OBJECT) */
};

#define TASKS_CHANGED (1u << 31) /* in vm->tasks_changed: other than by a creation */

/* Arguments of VMI_TASK_CREATE, for a restart. */
struct task_start {
  uint32_t entry;
  uint32_t sp;
  uint32_t argument;
};

/* What the checkpoint of a VM holds besides memory and registers (D4). Whatever is added here is part of every checkpoint. */
struct vm_saved {
  struct thread *thread;
  struct thread *owner;
  struct vm_state state;
  struct vmi_vcpu vcpu;
  uint32_t input; /* console input consumed up to here */
  struct ready_table tasks;
};

/* A page the guest can write: base of its frames, and flags in the low bits. 0: not tracked. */
typedef uint32_t page_t;

/* Pages, each as window << 18 | page number << 2: both halves are offsets into tables of words. */
struct page_list {
  uint32_t *pages;
  uint32_t count;
  uint32_t capacity;
  uint32_t permanent; /* the first so many are copied at every checkpoint whether they were written or not */
};

/*
 * An older checkpoint of a VM (D7), complete but for the pages that are the same in the next younger one. pages: the others,
 * each with the number of its frame (recovery/pages.h). threads_stale: whose copies here are older than that.
 */
struct generation {
  uint32_t threads_stale;
  struct vm_saved saved;
  struct page_list pages;
  struct context registers[THREAD_COUNT];
  struct vfp_context vfp[THREAD_COUNT];
};

/* `count` are in use: the youngest, which is slot[first], and those behind it, after the last (of the configuration) the first. */
struct generations {
  struct generation *slot[GENERATIONS_MAX];
  uint32_t first;
  uint32_t count;
  uint32_t threads_changed; /* may have got other registers in the VM's checkpoint since the last promotion */
  uint32_t since; /* health_time of the last promotion or recovery; from there the next one is `wait` away */
  uint32_t wait;
  uint32_t checkpoints; /* taken by then */
  uint32_t recoveries;
};

/* Checksum of a frame, from byte `from` on: what lies before it is not preserved (recovery/sums.h). */
struct page_sum {
  uint32_t sum;
  uint32_t from;
};

/* A fast path counts a switch, which is a checkpoint, too; the two differences are what the other paths make of it. */
struct vm_counters {
  int32_t checkpoints_more; /* checkpoints of the VM - switches */
  int32_t task_checkpoints_more; /* checkpoints of its tasks - task_switches */
  uint32_t saved_pages;
  uint32_t faults;
  uint32_t task_rollbacks;
  uint32_t vm_rollbacks;
  uint32_t cold_restarts;
  uint32_t task_restarts;
  uint32_t warm_resets;
  uint32_t refused; /* calls that the guest should not have made */
  uint32_t ticks_lost; /* timer periods beyond missed_ticks_max */
};

/* What the watchdogs look at (core/watchdog.c). Never rolled back; from each creation of the VM on, the periods from each start. */
struct vital_signs {
  uint32_t slices_more; /* slices that ended - times the VM was left: what fast paths count ends and leaves at once */
  uint32_t ticks_more; /* used of slices that were given up before their end */
  uint32_t waits; /* VMI_WAIT */
  uint32_t interrupts; /* virtual ones taken */
  uint32_t periods; /* of the virtual timer that ended */
  uint32_t task_waits[VMI_TASK_MAX]; /* times that its kernel suspended, or created, a task */
};

/* Refused calls in the present window (core/guest_report.h). */
struct misuse {
  uint32_t window_start; /* health_time */
  uint32_t count;
};

struct vm {
  /* Used by the fast paths (offsets below). */
  uint32_t stack_top; /* of the guest kernel, from the image header */
  uint32_t slice_left;
  uint32_t switches; /* times the VM was left */
  uint32_t thread_id; /* TPIDRURW of the owner, while the VM does not run */
  uint32_t unsaved; /* 0: when the VM is left, there is nothing to save but the registers of its thread */
  uint32_t after; /* bits of the VMs that come after this one in a turn, as in scheduler.level */
  uint32_t slice_ticks; /* of the configuration */
  struct thread *thread; /* that runs when the VM runs */
  struct vmi_vcpu *vcpu; /* the shared page, through the FIXED class; only the structure is checkpointed */
  uint32_t ttbr0; /* address space that translation uses: active_pt with its attributes */
  uint32_t asid; /* of active_pt; the ASIDs of a VM's two images differ in bit 0 */
  struct thread *kernel; /* &threads[KERNEL_THREAD] */
  uint32_t pure_calls; /* from the image header; bit 31 - n: guest call n is pure */
  struct thread
      *owner; /* whose VFP and thread-ID registers are in use: the task that runs or was left for the kernel */
  uint32_t task_switches;
  uint32_t reserved;
  struct ready_table tasks;

  /* Address spaces (R14..R17). task_pt[n] is active_pt[WINDOW_TASK + n]: the entry that translation uses. */
  uint32_t *active_pt;
  uint32_t *backup_pt;
  uint32_t task_backup_pt[VMI_TASK_MAX];

  struct vm_state state;
  struct vmi_info *info;

  uint8_t index;
  uint8_t run_state; /* enum vmi_vm_state */
  uint8_t boot; /* enum vmi_boot. Never rolled back */
  bool tracked; /* fault tolerance: pages are armed and saved */
  const struct vm_config *config;
  const struct vm_config *partition; /* whose memory it has: another VM's after a take-over */
  const struct guest_config *guest;
  uint32_t recoveries;
  uint32_t starts;

  /* Checkpoint bookkeeping (recovery/). */
  page_t *pages[WINDOW_COUNT];
  uint16_t *positions[WINDOW_COUNT]; /* of each page in `dirty`, if it is there */
  struct page_list dirty; /* may differ from the VM's checkpoint */
  struct page_list task_dirty[VMI_TASK_MAX]; /* differ from the task's checkpoint */
  struct page_list shared_open; /* shared pages writable in this task slice */
  uint32_t tasks_dirty; /* tasks with a non-empty task_dirty */
  uint32_t threads_dirty; /* threads left or changed since the VM's checkpoint; the owner and the kernel may be, too */
  uint32_t tasks_written; /* tasks whose pages the kernel wrote while they were switched out */
  uint32_t outside; /* core/outside.h: what it did since the checkpoint that is not memory */
  uint32_t outside_checks; /* of housekeeping, that found something of it */
  struct vm_saved saved;
  uint32_t tasks_changed; /* not 0: the cold part of `tasks` differs from that in `saved`; bit n: task n was created */
  uint32_t starts_lost; /* tasks whose last creation was undone: how the one before had been is not known any more */
  struct task_start task_starts[VMI_TASK_MAX];
  bool loading; /* the image is being loaded: there is no checkpoint */
  bool going_back; /* the checkpoint is being replaced by its youngest older generation, which is complete (likewise) */
  bool committing; /* the checkpoint is being replaced by the present state, which is complete (recovery_complete) */
  bool unchecked; /* a checkpoint was taken while the kernel's objects could not be checked */
  uint16_t saves_due; /* switches away until the next VM checkpoint, if its schedule counts them */

  uint32_t channel_seen[VMI_CHANNEL_MAX]; /* frame that the peer sees of an out page; 0: the active one */

  struct health health;
  struct vm_counters counters;
  uint32_t memory_next; /* allocation pointer in the partition */

  struct thread threads[THREAD_COUNT] __attribute__((aligned(2048)));
  struct vfp_context vfp[THREAD_COUNT][3];
  struct generations generations;
  struct page_sum *sums; /* of all frames, in their order; NULL: backups have no checksums */
  uint32_t frames; /* address of the first of them */
  uint32_t saved_at; /* count of the global timer at the last checkpoint by interval, and likewise for each task */
  uint32_t task_saved_at[VMI_TASK_MAX];

  struct misuse misuse;
  struct vital_signs signs;
  char last_words[VMI_LAST_WORDS];
};

/* Who runs now, and what a tick must know to choose who runs next: one block for the fast paths. */
struct scheduler {
  struct vm *current; /* NULL: none */
  uint32_t event; /* count of the global timer (low word) at which the next virtual timer ends */
  uint32_t tick_clear; /* address of the register that ends the tick's interrupt */
  uint32_t level; /* ready VMs of the current one's priority: bit SCHEDULER_FIRST - m for VM m */
  uint32_t changed; /* not 0: the choice of who runs must be made anew, or a timer is overdue */
  uint32_t now_time; /* count at which the tick began at which a virtual timer was last looked at */
  bool polling; /* every tick has something to do: see sched_poll */
  bool fault_waiting; /* fault_raise has something to do */
  uint32_t reserved;
  struct vm *vms[VM_MAX];
};

extern struct vm vms[VM_MAX];
extern struct scheduler scheduler;
#define current_vm (scheduler.current)

/* By its number, below config_vm_count. `vms` is not in this order any more after a take-over by a standby. */
static inline struct vm *vm_numbered(unsigned number) {
  return scheduler.vms[number];
}

static inline bool vm_in_kernel(const struct vm *vm) {
  return vm->thread == vm->kernel;
}

/* Its number in vm->threads: of a task, or KERNEL_THREAD. */
static inline unsigned thread_number(const struct vm *vm, const struct thread *thread) {
  return (unsigned)(thread - vm->threads);
}

static inline uint32_t thread_bit(const struct vm *vm, const struct thread *thread) {
  return 1u << thread_number(vm, thread);
}

/* Saved registers of a thread. The entry code sees to it that they are also those of the running one. */
static inline struct context *thread_frame(const struct thread *thread) {
  return image_context(thread->frame);
}

static inline bool is_guest_call(uint32_t number) {
  return number >= VMI_GUEST_CALL && number <= VMI_GUEST_CALL_MAX;
}

/* The thread was stopped with the number of a guest call in r12: by that call, if its kernel keeps to docs/vmi.md. */
static inline bool thread_in_guest_call(const struct thread *thread) {
  return is_guest_call(thread_frame(thread)->r[12]);
}

static inline bool vm_call_is_pure(const struct vm *vm, uint32_t number) {
  uint32_t index = number - VMI_GUEST_CALL;
  return index < 32u && (vm->pure_calls << index >> 31) != 0;
}

/* Number of the running task, or VMI_TASK_KERNEL. */
static inline uint8_t vm_current_task(const struct vm *vm) {
  return vm_in_kernel(vm) ? (uint8_t)VMI_TASK_KERNEL : (uint8_t)thread_number(vm, vm->thread);
}

/*
 * Life cycle (R3). Each checks the state first, and what it loads, and returns VMI_ESTATE, VMI_ENOMEM or VMI_EIMAGE with nothing
 * changed but vm->boot, which says what is wrong with the image.
 */
__attribute__((cold)) void vm_init(void);
__attribute__((cold)) int32_t vm_create(struct vm *vm, const struct guest_config *guest);
__attribute__((cold)) int32_t vm_start(struct vm *vm);
__attribute__((cold)) int32_t vm_stop(struct vm *vm);
__attribute__((cold)) int32_t vm_pause(struct vm *vm);
__attribute__((cold)) int32_t vm_resume(struct vm *vm);
__attribute__((cold)) int32_t vm_destroy(struct vm *vm);

/* Bring the guest back to its pristine state and let it run from its reset vector. VMI_EIMAGE: it cannot. */
int32_t vm_cold_start(struct vm *vm);

/*
 * The same, but persistent memory keeps the content of the last checkpoint; without fault tolerance, that of this moment. The
 * VM must not be EMPTY.
 */
int32_t vm_warm_start(struct vm *vm);

/* Fill the info page: identity, counters and channels; `start` is left alone. */
void vm_info_fill(struct vm *vm);

/*
 * Exchange what two VMs are to everybody else: number, configuration, place in the turn, counters. Each keeps its
 * memory, registers and state. Neither may be ready or have a timer.
 */
void vm_exchange_identity(struct vm *a, struct vm *b);

/* Bytes of partition that `guest` needs with this VM's policy. */
__attribute__((cold)) uint32_t vm_memory_needed(const struct vm_config *config, const struct guest_config *guest);

#endif
