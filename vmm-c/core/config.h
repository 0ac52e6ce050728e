/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the image builder generates from qemu-configs/systems/<name>.toml: constant tables only.
 * The VMM parses nothing; whatever could be wrong in them was checked when the image was built.
 */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "vmi.h"

#define VM_MAX 16
#define STACK_GUARD 0x10000u /* bytes below each stack of a guest that nothing is mapped in (image/checks.py) */
#define UART_NONE 0xff
#define GENERATIONS_MAX 3
#define STANDBY_MAX (VM_MAX / 2) /* pairs */

/* How the writable pages of a segment are saved (R21, D3). */
enum save_policy {
  SAVE_UNDO,  /* armed after a checkpoint; the first write saves the pre-image */
  SAVE_EAGER, /* copied at every checkpoint, never armed; of a stack only the live part */
  SAVE_FULL,  /* the paper's literal scheme: every page copied at every checkpoint, constant time */
  SAVE_NONE,  /* not part of any checkpoint: keeps its content over a rollback */
};

/* One loadable piece of a guest, page-aligned, in exactly one window. */
struct segment_config {
  uint32_t va;
  uint32_t mem_size;   /* bytes, a multiple of the page size */
  uint32_t file_size;  /* bytes present in the image; the rest is zero */
  const uint8_t *data; /* pristine content, padded with zeros to whole pages; NULL when file_size is 0 */
  uint32_t crc;         /* crc32 of data */
  const uint32_t *sums; /* crc32 of each page of data */
  bool writable;
  bool executable; /* never together with writable */
  bool stack;      /* grows down from its end; only [SP, end) is live */
  uint32_t
      persistent; /* not 0: kept by a warm reset; a hash of its variables, equal in builds that may exchange them */
  enum save_policy policy;
};

/*
 * When a VM or a task is checkpointed (R24). Both 0: only when the guest asks for it (VMI_CHECKPOINT), which is a checkpoint of
 * the VM and all its tasks.
 */
struct schedule {
  uint16_t switches;    /* at every n-th switch away from it */
  uint16_t interval_ms; /* or at the first switch after so many milliseconds */
};
#define INTERVAL_MAX_MS 10000 /* the lower half of the global timer measures it */

struct guest_config {
  const char *name;
  const struct segment_config *segments;
  uint32_t segment_count;
  const char *const *task_names;
  uint32_t task_count; /* 0..VMI_TASK_MAX; task n lives in window 3 + n */
  const uint32_t *task_watchdogs; /* ticks that each task may run without waiting; 0: any number */
  bool reports_ready;             /* calls VMI_READY */
};

/* What is done about faults (D5): core/health.h. */
struct policy_step {
  uint32_t budget; /* VMI_POLICY_FOREVER: without end */
  uint32_t window_ms;
  uint8_t next; /* enum vmi_action, later than this one */
};

struct policy_override {
  uint8_t task; /* its number */
  uint8_t class;
  uint8_t action;
};

struct policy_config {
  uint8_t on[VMI_CLASS_COUNT]; /* enum vmi_action by class: of the kernel, and of the tasks unless overridden */
  struct policy_step steps[VMI_ACTION_COUNT];
  const struct policy_override *overrides;
  uint32_t override_count;
};

/* What the watchdogs allow, in ticks; 0: anything. */
struct watchdog_config {
  uint32_t vm;        /* without VMI_WAIT and without a kick */
  uint32_t masked;    /* with interrupts masked while one is pending */
  uint32_t ticks_max; /* timer periods that are not taken */
  uint32_t ready;     /* from the start to VMI_READY */
  uint32_t run;       /* while less urgent VMs want the CPU, and get nothing */
};

/* A VM that takes over when another one fails for good: recovery/standby.c. */
struct standby_config {
  uint8_t primary; /* VM numbers */
  uint8_t standby;
  bool regions_all; /* all of the primary is duplicated, if both run the same guest; else persistent memory */
  uint32_t windows; /* bit n: persistent memory of window n is */
  uint32_t period;  /* from one duplication to the next, in VMM ticks */
};

struct channel_config {
  uint8_t vm[2]; /* the two sides */
};

struct vm_config {
  const char *name;
  const struct guest_config *guest;
  uint32_t memory_base; /* physical partition: page tables and all frames */
  uint32_t memory_size;
  uint8_t priority;     /* 0..VMI_PRIORITY_COUNT-1, 0 the most urgent */
  uint8_t slice_ticks;  /* turn among equal priorities, in VMM ticks, >= 1 */
  uint8_t uart;         /* own UART, or UART_NONE: only in the multiplexed view */
  bool management;      /* VM0 */
  bool autostart;
  bool fault_tolerant;        /* false for VM0 (R13) */
  struct schedule schedule;
  struct schedule task_schedule; /* of the tasks of other guests than `guest` */
  const struct schedule *task_schedules; /* of those of `guest`, by number */
  uint8_t generations;        /* older checkpoints kept besides the last one (D7), 0..GENERATIONS_MAX */
  uint32_t generation_ms;     /* from one of them to the next */
  uint32_t generation_pause_ms; /* after a recovery none is taken for so long */
  bool checksum;              /* backups have checksums, verified before they are used (D7) */
  bool output_commit;         /* only of a fault-tolerant VM: nothing leaves before it is checkpointed (D9) */
  uint32_t output_checks;     /* housekeepings until held output gets a checkpoint; 0: never */
  uint32_t missed_ticks_max;  /* periods of the virtual timer that may wait to be taken (D10) */
  struct policy_config policy;
  struct watchdog_config watchdog;
  uint32_t misuse_max; /* refused calls within a second; 0: any number */
  const struct standby_config *standby; /* the pair that the VM belongs to, as either of them; NULL: none */
};

extern const char config_build_id[];
extern const char config_system_name[];
extern const uint32_t config_tick_us;
extern const uint32_t config_vmm_fault;  /* enum vmm_policy (core/vmm_fault.h) */
extern const uint32_t config_vmm_window_ms; /* a second fault of the VMM within it stops the system */
extern const uint32_t config_housekeeping_ticks; /* 0: never; at most 63 */
extern const uint32_t config_scrub_bytes; /* checked per housekeeping; 0: none */
extern const struct guest_config *const config_guests[];
extern const uint32_t config_guest_count;
extern const struct vm_config config_vms[];
extern const uint32_t config_vm_count; /* <= VM_MAX; VM 0 is the management VM */
extern const struct standby_config config_standbys[];
extern const uint32_t config_standby_count; /* <= STANDBY_MAX */
extern const struct channel_config config_channels[];
extern const uint32_t config_channel_count;

#endif
