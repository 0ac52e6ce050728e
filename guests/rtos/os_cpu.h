/* SPDX-License-Identifier: Apache-2.0 */
/* The data types a MicroC/OS-II program uses, for the ARM procedure call standard. */
#ifndef OS_CPU_H
#define OS_CPU_H

#include <stdint.h>

typedef uint8_t BOOLEAN;
typedef uint8_t INT8U;
typedef int8_t INT8S;
typedef uint16_t INT16U;
typedef int16_t INT16S;
typedef uint32_t INT32U;
typedef int32_t INT32S;
typedef uint64_t INT64U;
typedef float FP32;
typedef double FP64;
typedef INT32U OS_STK; /* one stack entry */

#define OS_STK_GROWTH 1u /* stacks grow towards lower addresses */

#endif
