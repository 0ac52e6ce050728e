/* SPDX-License-Identifier: Apache-2.0 */
/* One mutex for the tasks of the VM; its handle lies in shared memory. */
#ifndef LOCK_H
#define LOCK_H

#include <stdint.h>

#define LOCK_PRIORITY 3u /* more urgent than every user */

void lock_open(void);

/* Both return the error code of the kernel. */
uint8_t lock_take(void);
uint8_t lock_give(void);

#endif
