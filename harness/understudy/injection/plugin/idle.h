/* SPDX-License-Identifier: Apache-2.0 */
#ifndef IDLE_H
#define IDLE_H

/*
 * In a process that was forked from QEMU there is no main loop that lets virtual time jump while the CPU sleeps. From
 * now on the calling thread, that of the CPU, does it where it would wait for the main loop.
 */
void idle_without_main_loop(void);

#endif
