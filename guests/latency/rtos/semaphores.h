/* SPDX-License-Identifier: Apache-2.0 */
/* Two tasks that take turns by one semaphore; in the shared part of the guest. */
#ifndef LATENCY_SEMAPHORES_H
#define LATENCY_SEMAPHORES_H

void turn_open(void);
void turn_wait(void);
void turn_give(void);

#endif
