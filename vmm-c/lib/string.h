/* SPDX-License-Identifier: Apache-2.0 */
/* The memory functions that C compilers call on their own (C11 7.24), and fast copies of whole pages and words. */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* Length of text, at most n (POSIX). */
size_t strnlen(const char *text, size_t n);

/* Copies `bytes`, a multiple of 32 (0 allowed), between word-aligned addresses; 4 instructions per 32 bytes. */
void words_copy(uint32_t *dst, const uint32_t *src, uint32_t bytes);

/*
 * Checksum of `bytes`, a multiple of 32 (0 allowed), from a word-aligned address: rotated right by one bit before each word is
 * added. Always changed by what changes one word only, and by any burst of at most 31 bits.
 */
uint32_t words_sum(const uint32_t *words, uint32_t bytes);

/* Copies a struct context. */
struct context;
void context_copy(struct context *dst, const struct context *src);

#endif
