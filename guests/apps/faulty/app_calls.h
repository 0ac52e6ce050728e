/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of OSAppCall in a guest whose kernel has faulty_kernel.c.j2. */
#ifndef APP_CALLS_H
#define APP_CALLS_H

#define APP_HOLD 1u    /* the caller holds the mutex from now on */
#define APP_RELEASE 2u /* no longer */
#define APP_FAULT 3u   /* the kernel may make its fault now (trigger "call") */

#endif
