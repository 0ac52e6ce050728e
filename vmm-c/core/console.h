/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual consoles: each VM has an output ring (the log) and an input ring. Output also goes to the VM's own UART, if
 * it has one, and, when the VM is watched, line by line to UART0 with "[name] " in front. vm: VM number, below
 * config_vm_count, in all functions; the caller checks it. Data pointers are the VMM's own memory.
 */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include <stdint.h>

#define CONSOLE_OUTPUT_SIZE 4096u /* bytes kept per VM; a power of two */
#define CONSOLE_INPUT_SIZE 256u   /* bytes; a power of two */

/* Finds out which VM owns which UART, and initialises and enables these and UART0. After gic_init. */
void console_init(void);

/* Forgets what VM `vm` has written and what it has not yet read. Offsets go on counting. */
void console_reset(unsigned vm);

/* Writes n bytes; all are taken, the result is n. */
uint32_t console_write(unsigned vm, const char *data, uint32_t n);

/* Takes up to n bytes of input; returns how many (0: none). */
uint32_t console_read(unsigned vm, char *data, uint32_t n);

/*
 * The position in the input stream, for a checkpoint, and the way back: input read since then is read again, as far as
 * the ring still has it (D4, D9).
 */
extern uint32_t console_input_positions[];
static inline uint32_t console_input_position(unsigned vm) {
  return console_input_positions[vm];
}
void console_input_rewind(unsigned vm, uint32_t position);

/*
 * Copies up to n bytes of the output from the absolute offset `offset` on (0 = first byte ever written; wraps at 2^32).
 * Returns the bytes copied, 0 at the end; VMI_ENOENT: too old, *oldest is the first offset kept; VMI_EINVAL: not yet
 * written. *oldest is set in all cases.
 */
int32_t console_log(unsigned vm, uint32_t offset, char *data, uint32_t n, uint32_t *oldest);

/* From now on the lines of the VMs in `mask` (bit = VM number) are mirrored on UART0; the owner of UART0 never is. */
void console_watch(uint32_t mask);

/* Takes what UART `uart` received into the input ring of its VM, and raises VMI_IRQ_CONSOLE there. A full ring drops.
 */
void console_interrupt(unsigned uart);

#endif
