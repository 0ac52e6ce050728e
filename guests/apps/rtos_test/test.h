/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_H
#define TEST_H

#include "apps/rtos_test/helper.h"

#define CHECK(condition) test_check((condition) ? 1 : 0, __FILE__, __LINE__)

/* Counts, and prints the place of a check that failed. */
void test_check(int good, const char *file, int line);

void test_core(void);
void test_time(void);
void test_sem(void);
void test_mutex(void);
void test_mbox(void);
void test_queue(void);
void test_flag(void);
void test_task(void);
void test_hostile(void);

#endif
