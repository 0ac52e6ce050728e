/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest thread can do, on the simulated CPU and in the model at the same time. The thread is the running one. */
#ifndef FAKES_GUEST_H
#define FAKES_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "core/vm.h"

/* First return into a guest. */
void guest_boot(void);

/* Until VM 1 runs, in its kernel; then it gets its tasks, and the first one runs. */
void guest_start_tasks(void);

/* The running thread writes `value` to each page of its own. */
void guest_dirty_own_pages(uint32_t value);

/* What the test did to the VMs behind the machine's back was done by the VMM: back to the guest, which changes no register. */
void guest_resume(void);

/* The running thread is interrupted, and `handler` is what the VMM does; then everything is compared. */
void guest_exception(void (*handler)(struct context *frame));

/* SVC with a call number and four arguments; returns r0 of whoever runs afterwards. */
uint32_t guest_svc(uint32_t number, uint32_t a, uint32_t b, uint32_t c, uint32_t d);

/* A store of a word; true: done, false: it was a fault and something was recovered. */
bool guest_store(uint32_t va, uint32_t value);

/* May the running thread write there (R9)? */
bool guest_store_legal(uint32_t va);

/* Aborts that do not come from the tables, and an undefined instruction. */
void guest_unaligned_access(uint32_t va);
void guest_wild_jump(uint32_t pc);
void guest_undefined_instruction(void);

/* Put `value` into a VFP register and into FPSCR, after a look at all of them. */
void guest_use_vfp(unsigned d, uint64_t value);

void guest_write_thread_id(uint32_t value);

/* A tick, or a character typed at the UART of a VM. */
void guest_tick(void);
void guest_typed(unsigned vm, char c);

/* The health monitor resets a VM, and keeps its persistent memory. Nothing happens if the VM is not alive. */
void guest_warm_reset(unsigned vm);

#endif
