/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 of IEEE 802.3, clause 3.2.9 (reflected, 0xedb88320), the one of zlib: the harness computes the same. */
#ifndef LIB_CRC32_H
#define LIB_CRC32_H

#include <stdint.h>

/* CRC of what `crc` is the CRC of (0: nothing), followed by n bytes. */
uint32_t crc32(uint32_t crc, const void *data, uint32_t n);

#endif
