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

/*
 * Images of one thread's registers. Whoever runs saves into frame[active]. A checkpoint only names the frame it
 * wants kept; the next activation moves on to a third one, so that saving a thread costs no copy at the
 * checkpoint itself. task_saved = image of the task's checkpoint, vm_saved = of the VM's.
 */
struct thread {
  struct context frame[3];
  uint8_t active;
  uint8_t task_saved;
  uint8_t vm_saved;
  uint8_t vfp_active;
  uint8_t vfp_task_saved;
  uint8_t vfp_vm_saved;
  uint16_t saves_due; /* switches away until the next task checkpoint */
  uint32_t rollbacks;
  struct vfp_context vfp[3];
};

/* State of the virtual devices and of the VMM's tables for this VM that a VM rollback restores (D4). */
struct vm_state {
  uint32_t timer_period; /* VMM ticks, 0: off */
  uint32_t timer_next;   /* VMM tick at which the next period ends */
  uint8_t thread; /* that runs when the VM runs */
  uint8_t owner;  /* whose VFP and thread-ID registers are in use: the task that runs or was left for the kernel */
  bool waiting;   /* in VMI_WAIT */
  uint8_t reserved;
};

/* A page the guest can write: base of its three frames, and flags in the low bits. 0: not tracked. */
typedef uint32_t page_t;

struct page_list {
  uint16_t *pages; /* window << 8 | page number */
  uint32_t count;
};

struct vm_counters {
  uint32_t switches;
  uint32_t task_switches;
  uint32_t checkpoints;
  uint32_t task_checkpoints;
  uint32_t saved_pages;
  uint32_t faults;
  uint32_t task_rollbacks;
  uint32_t vm_rollbacks;
  uint32_t cold_restarts;
};

struct vm {
  /* Address spaces (R14..R17). task_pt[n] is active_pt[WINDOW_TASK + n]: the entry that translation uses. */
  uint32_t *active_pt;
  uint32_t *backup_pt;
  uint32_t task_backup_pt[VMI_TASK_MAX];
  uint32_t asid; /* of active_pt; the ASIDs of a VM's two images differ in bit 0 */

  struct vm_state state;
  struct vmi_vcpu *vcpu; /* the shared page, through the FIXED class; only the structure is checkpointed */
  struct vmi_info *info;
  struct ready_table tasks;

  uint8_t index;
  uint8_t run_state; /* enum vmi_vm_state */
  uint8_t slice_left;
  bool tracked; /* fault tolerance: pages are armed and saved */
  const struct vm_config *config;
  const struct guest_config *guest;
  uint32_t stack_top;  /* from the image header */
  uint32_t pure_calls; /* from the image header */
  uint32_t recoveries;
  uint32_t starts;

  /* Checkpoint bookkeeping (recovery/). */
  page_t *pages[WINDOW_COUNT];
  struct page_list dirty;                    /* differ from the VM's checkpoint */
  struct page_list task_dirty[VMI_TASK_MAX]; /* differ from the task's checkpoint */
  struct page_list shared_open;              /* shared pages writable in this task slice */
  uint32_t tasks_dirty;                      /* tasks with a non-empty task_dirty */
  uint32_t threads_dirty;                    /* threads whose active frame is not vm_saved */
  uint32_t tasks_written;                    /* tasks whose pages the kernel wrote while they were switched out */
  uint32_t kernel_changed; /* tasks that changed kernel or shared state since their checkpoint (D6) */
  struct vm_state saved_state;
  struct vmi_vcpu saved_vcpu;
  uint32_t saved_input; /* console input consumed up to here */
  bool tasks_changed; /* the cold part of `tasks` differs from saved_tasks */
  struct ready_table saved_tasks;
  uint16_t saves_due; /* switches away until the next VM checkpoint */

  struct health health;
  struct vm_counters counters;
  uint32_t memory_next; /* allocation pointer in the partition */
  struct thread threads[THREAD_COUNT];
};

extern struct vm vms[VM_MAX];
extern struct vm *current_vm;

static inline struct thread *vm_thread(struct vm *vm) {
  return &vm->threads[vm->state.thread];
}

static inline bool vm_in_kernel(const struct vm *vm) {
  return vm->state.thread == KERNEL_THREAD;
}

static inline struct context *thread_frame(struct thread *thread) {
  return &thread->frame[thread->active];
}

static inline bool is_guest_call(uint32_t number) {
  return number >= VMI_GUEST_CALL && number <= VMI_GUEST_CALL_MAX;
}

/* The thread was stopped with the number of a guest call in r12: by that call, if its kernel keeps to docs/vmi.md. */
static inline bool thread_in_guest_call(const struct thread *thread) {
  return is_guest_call(thread->frame[thread->active].r[12]);
}

/* Number of the running task, or VMI_TASK_KERNEL. */
static inline uint8_t vm_current_task(const struct vm *vm) {
  return vm_in_kernel(vm) ? (uint8_t)VMI_TASK_KERNEL : vm->state.thread;
}

/* Life cycle (R3). Each checks the state first and returns VMI_ESTATE or VMI_ENOMEM unchanged. */
void vm_init(void);
int32_t vm_create(struct vm *vm, const struct guest_config *guest);
int32_t vm_start(struct vm *vm);
int32_t vm_stop(struct vm *vm);
int32_t vm_pause(struct vm *vm);
int32_t vm_resume(struct vm *vm);
int32_t vm_destroy(struct vm *vm);

/* Bring the guest back to its pristine state and let it run from its reset vector. */
void vm_cold_start(struct vm *vm);

/* Bytes of partition that `guest` needs with this VM's policy. */
uint32_t vm_memory_needed(const struct vm_config *config, const struct guest_config *guest);

#endif
