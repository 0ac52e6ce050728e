/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Virtual consoles: each VM has an output ring (the log) and an input ring. Output also goes to the VM's own UART, if
 * it has one, and, when the VM is watched, line by line to UART0 with "[name] " in front. vm: VM number, below
 * config_vm_count, in all functions; the caller checks it. Data pointers are the VMM's own memory. All positions count
 * bytes since the start of the VMM, wrap at 2^32, and index a ring modulo its size.
 *
 * The output of a VM is held or not (console_hold, D9). What a VM writes that is not held leaves at once. What is held is
 * not seen by anybody until console_commit, and never if console_drop comes first.
 */
#ifndef CORE_CONSOLE_H
#define CORE_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "vmi.h"

#define CONSOLE_OUTPUT_SIZE 4096u /* bytes kept per VM; a power of two */
#define CONSOLE_HELD_MAX 2048u    /* of them, bytes that have not left yet */
#define CONSOLE_INPUT_SIZE 256u   /* bytes; a power of two */

/* Finds out which VM owns which UART, and initialises and enables these and UART0. After gic_init. */
__attribute__((cold)) void console_init(void);

/* Forgets what VM `vm` has written and what it has not yet read. Positions go on counting. */
void console_reset(unsigned vm);

/* From now on output of the VM is held, or is not. Nothing is held when this changes. */
void console_hold(unsigned vm, bool held);

/* Writes n bytes, at most CONSOLE_HELD_MAX; false, and nothing was written: there is no room before some text has left. */
bool console_write(unsigned vm, const char *data, uint32_t n);

/* All that was written may leave (D9). It does so in console_release, soon: never on the way of a switch. */
void console_commit(unsigned vm);

/* What was held is forgotten. Its end becomes the last words of the VM, said before the fault that is being logged. */
__attribute__((cold)) void console_drop(unsigned vm);

/* Sends committed text, as much as the UARTs take without waiting. false: there was none. */
bool console_release(void);

/* Sends all committed text, however long the UARTs take. */
__attribute__((cold)) void console_flush(void);

/* Bytes that are held. */
uint32_t console_held(unsigned vm);

/* The last text of the VM that was dropped: of `length` 0 if none was since console_reset. */
__attribute__((cold)) const struct vmi_vm_words *console_last_words(unsigned vm);

/* Takes up to n bytes of input; returns how many (0: none). */
uint32_t console_read(unsigned vm, char *data, uint32_t n);

/*
 * The position in the input stream, for a checkpoint, and the way back: input read since then is read again (D4, D9).
 * console_input_keep: no checkpoint returns to an earlier position than this one; what came after it is not overwritten.
 * What a rewind does not find any more is counted as lost.
 */
extern uint32_t console_input_positions[];
static inline uint32_t console_input_position(unsigned vm) {
  return console_input_positions[vm];
}
void console_input_keep(unsigned vm, uint32_t position);
void console_input_rewind(unsigned vm, uint32_t position);

/* There is input that was not read. */
bool console_input_waits(unsigned vm);

/* Characters that came while the ring was full, or could not be read again, since console_reset. */
uint32_t console_input_lost(unsigned vm);

/*
 * Copies up to n bytes of the committed output from the absolute offset `offset` on (0 = first byte ever written; wraps
 * at 2^32). Returns the bytes copied, 0 at the end; VMI_ENOENT: too old, *oldest is the first offset kept; VMI_EINVAL: not
 * yet written. *oldest is set in all cases.
 */
__attribute__((cold)) int32_t console_log(unsigned vm, uint32_t offset, char *data, uint32_t n, uint32_t *oldest);

/* From now on the lines of the VMs in `mask` (bit = VM number) are mirrored on UART0; the owner of UART0 never is. */
void console_watch(uint32_t mask);

/* Takes what UART `uart` received into the input ring of its VM, and raises VMI_IRQ_CONSOLE there. A full ring drops. */
void console_interrupt(unsigned uart);

#endif
