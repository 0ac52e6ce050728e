/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that survives a warm reset of the guest, and a take-over by another build of it. A variable has its initial value
 * after a cold start only; info->start (enum vmi_start) says how this life began.
 *
 *   VMI_PERSISTENT static struct totals totals;
 *
 * It comes back as it was at a checkpoint, which may have been taken between any two instructions: whoever changes more than
 * one word that belong together keeps the old ones until the new ones are complete (apps/tally/tally.c).
 * Two builds share it if all its variables have equal names, sizes and addresses; the image builder checks that.
 */
#ifndef LIB_PERSISTENT_H
#define LIB_PERSISTENT_H

#define VMI_PERSISTENT __attribute__((section(".persistent")))

#endif
