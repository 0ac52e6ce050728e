/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Virtual Machine Interface (VMI): the ABI between a guest and the VMM (R4).
 *
 * This header set is shared with the guests and is usable from C and from assembly.
 * docs/vmi.md documents every call; a kernel can be ported from that page alone.
 *
 * Address space of a guest (class DYNAMIC, R5). One window is one first-level entry (1 MiB);
 * the number of a window is also its domain (ARM ARM B3.12.3):
 *
 *   0x00000000  window 0      never mapped: a null pointer is an error
 *   0x00100000  window 1      guest kernel: vectors, header, text, data, stack; last page: vCPU page
 *   0x00200000  window 2      shared by all tasks of the VM: library text, constants, shared data
 *   0x00300000  window 3..15  task 0..12: text, constants, data, BSS, heap, stack of one task
 *   0x01000000  window 16     info page (read-only) and channel pages; domain 2
 */
#ifndef VMI_H
#define VMI_H

#define VMI_ABI_VERSION 1

#define VMI_WINDOW_SIZE 0x00100000
#define VMI_PAGE_SIZE 0x1000
#define VMI_KERNEL_BASE 0x00100000
#define VMI_SHARED_BASE 0x00200000
#define VMI_TASK_BASE 0x00300000
#define VMI_TASK_MAX 13
#define VMI_VCPU_PAGE 0x001ff000
#define VMI_INFO_PAGE 0x01000000
#define VMI_CHANNEL_BASE 0x01010000 /* channel c: out page at +c*0x2000, in page 0x1000 above it */
#define VMI_CHANNEL_STRIDE 0x2000
#define VMI_CHANNEL_MAX 4

/* Vectors: offsets from VMI_KERNEL_BASE (R38). One ARM instruction each. */
#define VMI_VECTOR_RESET 0x00
#define VMI_VECTOR_CALL 0x08 /* a task executed SVC with a guest-OS call number */
#define VMI_VECTOR_IRQ 0x18  /* a virtual interrupt */
#define VMI_HEADER_OFFSET 0x20
#define VMI_HEADER_MAGIC 0x31494d56 /* "VMI1" */

/* Call numbers: in r12 at SVC #0; arguments in r0..r3; results in r0 (and r1). */
#define VMI_VERSION 0
#define VMI_TIME 1
#define VMI_CONSOLE_WRITE 2
#define VMI_CONSOLE_READ 3
#define VMI_YIELD 4
#define VMI_WAIT 5
#define VMI_IRQ_POLL 6
#define VMI_TIMER_SET 7
#define VMI_TASK_CREATE 8
#define VMI_TASK_DELETE 9
#define VMI_TASK_SUSPEND 10
#define VMI_TASK_RESUME 11
#define VMI_TASK_PRIORITY 12
#define VMI_TASK_SWITCH 13
#define VMI_TASK_RESULT 14
#define VMI_TASK_RETURN 15
#define VMI_CHANNEL_NOTIFY 16
#define VMI_READY 17
#define VMI_PANIC 18
#define VMI_CHECKPOINT 19
#define VMI_OBJECT 20
/* Management: only the management VM (VM0) may use these. */
#define VMI_VM_INFO 32
#define VMI_GUEST_INFO 33
#define VMI_VM_CREATE 34
#define VMI_VM_START 35
#define VMI_VM_STOP 36
#define VMI_VM_PAUSE 37
#define VMI_VM_RESUME 38
#define VMI_VM_DESTROY 39
#define VMI_VM_CHECKPOINT 40
#define VMI_VM_ROLLBACK 41
#define VMI_FAULT_READ 42
#define VMI_VM_LOG 43
#define VMI_WATCH 44
#define VMI_HALT 45
#define VMI_TASK_INFO 46
#define VMI_POLICY_READ 47
#define VMI_POLICY_SET 48
#define VMI_BLACK_BOX 49
#define VMI_VM_TAKE_OVER 50
#define VMI_SCRUB 51
#define VMI_VM_WORDS 52
#define VMI_CALL_COUNT 53
/* Numbers from here on are calls of the guest OS; the VMM hands them to VMI_VECTOR_CALL. */
#define VMI_GUEST_CALL 0x100
#define VMI_GUEST_CALL_MAX 0x1ff

/* Errors (negative results). A refused call has changed nothing. */
#define VMI_OK 0
#define VMI_ENOCALL (-1) /* no such call number */
#define VMI_EPERM (-2)   /* the caller may not use this call */
#define VMI_EINVAL (-3)  /* an argument is out of its range */
#define VMI_EFAULT (-4)  /* a pointer argument is not memory the caller may access that way */
#define VMI_ESTATE (-5)  /* the object is not in a state that allows this */
#define VMI_EAGAIN (-6)  /* nothing to do now (no ready task, no such record yet) */
#define VMI_ENOENT (-7)  /* no such VM, task, guest, channel */
#define VMI_ENOMEM (-8)  /* the guest does not fit into the memory of the VM */
#define VMI_EIMAGE (-9)  /* the image is not usable: vmi_vm_info.boot says why */

/* Virtual interrupt lines: bits of vcpu->irq_pending and vcpu->irq_enabled. */
#define VMI_IRQ_TIMER 0x1
#define VMI_IRQ_CONSOLE 0x2
#define VMI_IRQ_CHANNEL(c) (0x100u << (c))

#define VMI_TASK_NEXT 0xffffffff   /* VMI_TASK_SWITCH: the highest-priority ready task */
#define VMI_TASK_KERNEL 0xff       /* "task" number of the guest kernel in records */
#define VMI_TASK_ALL 0xffffffff    /* VMI_POLICY_SET: the kernel and all tasks */
#define VMI_PRIORITY_COUNT 64      /* 0 is the most urgent */
#define VMI_NAME_SIZE 16           /* names, NUL-terminated */
#define VMI_LAST_WORDS 40          /* what is kept of the text of VMI_PANIC, NUL-terminated */

/* Offsets for assembly; checked against the structures by static assertions. */
#define VMI_VCPU_IRQ_MASKED 0
#define VMI_VCPU_IRQ_PENDING 4
#define VMI_VCPU_IRQ_ENABLED 8
#define VMI_VCPU_IRQ_PC 12
#define VMI_VCPU_IRQ_CPSR 16
#define VMI_VCPU_IRQ_FROM 20
#define VMI_VCPU_CURRENT_TASK 24
#define VMI_VCPU_TICKS 28
#define VMI_VCPU_KICK 32 /* behind the structure, in no checkpoint: any change is a sign of life */

#ifndef __ASSEMBLER__
#include <stdint.h>

#include "vmi_integrity.h"
#include "vmi_standby.h"
#include "vmi_status.h"

/*
 * Image header, at VMI_KERNEL_BASE + VMI_HEADER_OFFSET, read-only.
 * pure_calls: bit n set = guest call VMI_GUEST_CALL+n never changes the state of the guest kernel.
 * It is a hint: a task that has made only such calls since its checkpoint can be rolled back alone (D6).
 */
struct vmi_header {
  uint32_t magic;
  uint32_t abi_version;
  uint32_t stack_top;  /* of the guest kernel; every entry through a vector from a task starts here */
  uint32_t pure_calls;
};

/*
 * vCPU page: read-write for the guest kernel, invisible to tasks. Masking and unmasking virtual
 * interrupts, and returning from one taken in kernel mode, need no trap (R2, R35, R36).
 */
struct vmi_vcpu {
  uint32_t irq_masked;   /* 1: none is delivered while the kernel runs; the VMM sets it at every vector entry */
  uint32_t irq_pending;  /* lines raised; set by the VMM, cleared by the guest (with LDREX/STREX) */
  uint32_t irq_enabled;  /* lines the guest wants */
  uint32_t irq_pc;       /* interrupted kernel code (irq_from == VMI_TASK_KERNEL): where to return */
  uint32_t irq_cpsr;     /* and its flags */
  uint32_t irq_from;     /* task that was interrupted, or VMI_TASK_KERNEL */
  uint32_t current_task; /* task that runs or ran last; VMI_TASK_KERNEL before the first; written by the VMM */
  uint32_t ticks;        /* timer periods that ended and are not yet taken; the guest subtracts what it handled */
};

struct vmi_channel_info {
  uint32_t peer;      /* VM number of the other side */
  uint32_t out_page;  /* address, read-write here, read-only for the peer */
  uint32_t in_page;   /* address of the peer's out page, read-only here */
};

/* Persistent memory holds what the image says after a cold start, else what it held before. */
enum vmi_start {
  VMI_START_COLD,    /* all memory is pristine */
  VMI_START_WARM,    /* but persistent memory: as at the last checkpoint of this VM */
  VMI_START_STANDBY, /* likewise, as last duplicated from the VM that this one stands in for; channel pages too */
};

/* Info page: read-only for kernel and tasks; never rolled back. */
struct vmi_info {
  uint32_t abi_version;
  uint32_t vm;            /* own VM number */
  uint32_t task_count;    /* task windows of the image */
  uint32_t tick_us;       /* the VMM's tick period, in microseconds of (virtual) time */
  uint32_t recoveries;    /* how often this VM, or a task of it, was rolled back or restarted */
  uint32_t starts;        /* how often the image was started from its pristine state */
  uint32_t channel_count;
  uint32_t start;         /* enum vmi_start: what the present life of the image began with */
  char name[VMI_NAME_SIZE];
  struct vmi_channel_info channel[VMI_CHANNEL_MAX];
};

enum vmi_vm_state {
  VMI_VM_EMPTY,    /* configured, no memory set up */
  VMI_VM_CREATED,  /* image loaded, not started */
  VMI_VM_RUNNING,
  VMI_VM_PAUSED,
  VMI_VM_STOPPED,  /* by the console, or by the health monitor */
  VMI_VM_STANDBY,  /* waits to take over from another VM */
};

/* VMI_VM_INFO */
struct vmi_vm_info {
  char name[VMI_NAME_SIZE];
  char guest[VMI_NAME_SIZE];
  uint32_t state;          /* enum vmi_vm_state */
  uint32_t priority;
  uint32_t task_count;
  uint32_t current_task;
  uint32_t fault_tolerant; /* 0 or 1 */
  uint32_t switches;       /* VM switches away from it */
  uint32_t task_switches;
  uint32_t checkpoints;    /* of the VM */
  uint32_t task_checkpoints;
  uint32_t saved_pages;    /* pre-images and eager copies, in pages */
  uint32_t faults;
  uint32_t task_rollbacks;
  uint32_t vm_rollbacks;
  uint32_t cold_restarts;
  uint32_t task_restarts;
  uint32_t warm_resets;
  uint32_t memory_used;    /* bytes of its partition, page tables included */
  uint32_t memory_size;
  uint32_t boot;    /* enum vmi_boot */
  uint32_t refused; /* calls that were none, not allowed, or had bad arguments */
  char last_words[VMI_LAST_WORDS]; /* text of the last VMI_PANIC since the VM was created */
  struct vmi_pair pair;
  uint32_t output_commit; /* 1: nothing leaves that is not checkpointed (D9); 0: output leaves at once */
  uint32_t output_held;   /* bytes of text that wait for a checkpoint */
  uint32_t input_lost;    /* characters for which there was no room, or that could not be delivered again */
  uint32_t ticks_lost;    /* timer periods beyond those that a VM may miss (D10) */
};

/* VMI_GUEST_INFO */
struct vmi_guest_info {
  char name[VMI_NAME_SIZE];
  uint32_t task_count;
  uint32_t memory_needed; /* bytes, with all backup frames and page tables */
};

/* VMI_TASK_INFO */
struct vmi_task_info {
  char name[VMI_NAME_SIZE];
  uint32_t exists; /* 0 or 1 */
  uint32_t ready;  /* 0 or 1 */
  uint32_t priority;
  uint32_t pc; /* where it was last interrupted */
  uint32_t rollbacks;
};

/* VMI_VM_WORDS: the end of the text that a VM wrote before a fault and that was never sent (D9). */
struct vmi_vm_words {
  uint32_t fault;   /* sequence number of the fault in the log */
  uint32_t dropped; /* bytes of text that were dropped with it */
  uint32_t length;  /* bytes of them here */
  char text[500];
};

/* Who found it out. */
enum vmi_fault_kind {
  VMI_FAULT_DATA,
  VMI_FAULT_PREFETCH,
  VMI_FAULT_UNDEFINED,
  VMI_FAULT_ASYNC,    /* asynchronous (imprecise) abort: neither pc nor address mean anything */
  VMI_FAULT_CALL,     /* the VMI, from the arguments of a call */
  VMI_FAULT_WATCHDOG, /* time passed */
  VMI_FAULT_SCRUB,    /* the background check of what must not change */
  VMI_FAULT_CHECK,    /* the check of a state before it is saved, or before it is used */
  VMI_FAULT_GUEST,    /* the guest itself */
  VMI_FAULT_REQUEST,  /* rollback asked for from the console */
};

/* What it is: the health monitor chooses the action by it. */
enum vmi_fault_class {
  VMI_CLASS_ALIGNMENT,
  VMI_CLASS_TRANSLATION,
  VMI_CLASS_DOMAIN,
  VMI_CLASS_PERMISSION,
  VMI_CLASS_EXTERNAL,    /* synchronous external abort, also on a table walk */
  VMI_CLASS_ASYNC,       /* asynchronous external abort or parity error */
  VMI_CLASS_PARITY,      /* synchronous parity error, also on a table walk */
  VMI_CLASS_ACCESS_FLAG,
  VMI_CLASS_MAINTENANCE, /* of instruction cache or TLB; TLB conflict */
  VMI_CLASS_DEBUG,
  VMI_CLASS_PLATFORM,    /* implementation defined: lockdown, coprocessor */
  VMI_CLASS_INSTRUCTION, /* undefined instruction */
  VMI_CLASS_STACK,       /* stack overflow: the guard page below a stack */
  VMI_CLASS_EXECUTE,     /* jump into memory that is not executable */
  VMI_CLASS_MISUSE,      /* more refused calls than allowed */
  VMI_CLASS_HANG,        /* a watchdog: loop, interrupts masked, ticks not taken */
  VMI_CLASS_PANIC,       /* the guest gave up */
  VMI_CLASS_BOOT,        /* bad image, or never ready */
  VMI_CLASS_TEXT,        /* text or constants changed */
  VMI_CLASS_OBJECT,      /* an object of the guest kernel broke its invariant */
  VMI_CLASS_BACKUP,      /* a checkpoint changed since it was taken */
  VMI_CLASS_TABLE,       /* page tables or the VMM's records of them */
  VMI_CLASS_VMM,         /* the VMM itself */
  VMI_CLASS_REQUEST,     /* rollback asked for from the console */
  VMI_CLASS_OTHER,       /* reserved fault status */
  VMI_CLASS_COUNT,
};

/* What is done about it, from mild to severe: the next step of a policy always comes later in this list. */
enum vmi_action {
  VMI_ACTION_IGNORE, /* nothing, not even a record */
  VMI_ACTION_LOG,    /* a record only */
  VMI_ACTION_TASK_ROLLBACK,
  VMI_ACTION_TASK_RESTART, /* from its pristine image and its entry */
  VMI_ACTION_VM_ROLLBACK,
  VMI_ACTION_OLDER_GENERATION, /* VM rollback to the next older checkpoint */
  VMI_ACTION_WARM_RESET,       /* as a cold restart, but persistent memory is kept */
  VMI_ACTION_COLD_RESTART,     /* from the pristine image */
  VMI_ACTION_STANDBY,          /* the standby VM takes over */
  VMI_ACTION_SUSPEND,          /* paused, to be looked at */
  VMI_ACTION_VM_STOP,
  VMI_ACTION_SYSTEM_HALT, /* all VMs, and the VMM */
  VMI_ACTION_COUNT,
  VMI_ACTION_VMM_RESTART = VMI_ACTION_COUNT, /* the VMM starts anew and keeps the VMs: of no policy of a VM */
};

/* One record of the fault log (VMI_FAULT_READ); 64 bytes. Never rolled back, and kept over a reset of the board. */
struct vmi_fault {
  uint32_t sequence; /* from 1; goes on counting after a reset of the board */
  uint32_t time_lo;  /* global timer when the fault was taken, 10 ns units on vexpress-a9 */
  uint32_t time_hi;
  uint8_t vm;
  uint8_t task;   /* who executed (D1); VMI_TASK_KERNEL = guest kernel */
  uint8_t kind;   /* enum vmi_fault_kind */
  uint8_t class;  /* enum vmi_fault_class */
  uint32_t pc;
  uint32_t address; /* DFAR or IFAR; for an undefined instruction its PC; else by class */
  uint32_t status;  /* DFSR or IFSR, raw; else by class: enum vmi_hang, enum vmi_boot, a call number, a reason */
  uint8_t action;   /* enum vmi_action */
  uint8_t write;    /* 1: the access was a write */
  uint8_t owner_window; /* window the address lies in (D1, second fact); 0xff: none */
  uint8_t reason;   /* why this level: enum vmi_reason */
  uint32_t cost;    /* recovery, in global timer ticks: vector's first C instruction to return */
  uint32_t pages;   /* dirty pages exchanged */
  uint32_t old_table; /* page-table descriptor or table base before and after the exchange */
  uint32_t new_table;
  uint32_t reserved[2];
  uint16_t life;    /* of the board, see vmi_black_box.h */
  uint8_t salvaged; /* 1: found after a reset without its checksum: plausible, but not proven */
  uint8_t reserved_byte;
  uint32_t check; /* CRC-32 of all bytes before it */
};

/* VMI_POLICY_READ: what the health monitor does about the faults of a VM (D5). */
#define VMI_POLICY_CLASSES 32 /* room for enum vmi_fault_class */
#define VMI_POLICY_FOREVER 0xffffffff /* a budget without end */

struct vmi_policy_step {
  uint32_t budget; /* how often within the window; then `next` is done instead */
  uint32_t window_ms; /* from the first one in it */
  uint32_t used; /* in the present window */
  uint32_t next; /* enum vmi_action, more severe */
};

struct vmi_policy {
  uint8_t on[VMI_TASK_MAX + 1][VMI_POLICY_CLASSES]; /* enum vmi_action by task (the last row: guest kernel) and class */
  struct vmi_policy_step step[VMI_ACTION_COUNT];
};

/* VMI_POLICY_SET */
enum vmi_policy_what { VMI_POLICY_ON, VMI_POLICY_STEP };

struct vmi_policy_change {
  uint32_t what;
  uint32_t task; /* ON: task, VMI_TASK_KERNEL, or VMI_TASK_ALL: kernel and tasks */
  uint32_t class;
  uint32_t action;
  uint32_t budget; /* STEP: of `action` */
  uint32_t window_ms;
  uint32_t next;
};

_Static_assert(VMI_CLASS_COUNT <= VMI_POLICY_CLASSES, "a row holds every class");
_Static_assert(sizeof(struct vmi_vcpu) == 32, "vCPU page layout");
_Static_assert(sizeof(struct vmi_fault) == 64, "fault record layout");
#endif
#endif
