/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While the CPU sleeps QEMU's main loop lets virtual time jump, and fires timers. How far it jumps depends on which of
 * its threads is there first. In an experiment the thread of the CPU does it, always in the same order; in a process
 * that was forked there is no other thread anyway.
 */
#ifndef IDLE_H
#define IDLE_H

enum main_loop { MAIN_LOOP_RUNS, MAIN_LOOP_WAITS, MAIN_LOOP_IS_GONE };

/*
 * From now on the calling thread, that of the CPU, does it. With MAIN_LOOP_WAITS the main loop stands until idle_end();
 * with MAIN_LOOP_RUNS it may get in between, but serves a debugger.
 */
void idle_begin(enum main_loop main_loop);

/* The main loop does it again. On any thread. */
void idle_end(void);

#endif
