/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TOY_H
#define TOY_H

#include <stdint.h>

extern uint8_t __kernel_stack_top[];
extern uint8_t kernel_area[300];

void kernel_main(void);
void toy_delay(int ticks);
void toy_copy(void *to, const void *from, uint32_t bytes);

#endif
