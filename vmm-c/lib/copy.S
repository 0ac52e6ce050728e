/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memcpy, memset and the copies of whole blocks, by LDM/STM. In assembly because a compiler may turn a C loop
 * that fills memory into a call of memset, which would then call itself.
 */
        .syntax unified
        .arch   armv7-a
        .arm

        .macro  function name
        .section .text.\name, "ax", %progbits
        .balign 32
        .global \name
        .type   \name, %function
\name:
        .endm

        .macro  end name
        .size   \name, . - \name
        .endm

/* void words_copy(uint32_t *dst, const uint32_t *src, uint32_t bytes) */
        function words_copy
        push    {r4-r9, lr}
        subs    r2, r2, #32
        blo     2f
1:      ldmia   r1!, {r3-r9, ip}
        stmia   r0!, {r3-r9, ip}
        subs    r2, r2, #32
        bhs     1b
2:      pop     {r4-r9, pc}
        end     words_copy

/* uint32_t words_sum(const uint32_t *words, uint32_t bytes): 11 instructions for 8 words */
        function words_sum
        push    {r4-r9, lr}
        mov     r2, r0
        mov     r0, #0
        subs    r1, r1, #32
        blo     2f
1:      ldmia   r2!, {r3-r9, ip}
        .irp    word, r3, r4, r5, r6, r7, r8, r9, ip
        add     r0, \word, r0, ror #1
        .endr
        subs    r1, r1, #32
        bhs     1b
2:      pop     {r4-r9, pc}
        end     words_sum

/* void context_copy(struct context *dst, const struct context *src): 18 words */
        function context_copy
        push    {r4-r9}
        ldmia   r1!, {r2-r9, ip}
        stmia   r0!, {r2-r9, ip}
        ldmia   r1, {r2-r9, ip}
        stmia   r0, {r2-r9, ip}
        pop     {r4-r9}
        bx      lr
        end     context_copy

/* void ready_copy(struct ready_table *to, const struct ready_table *from): 41 words */
        function ready_copy
        push    {r4-r11, lr}
        .rept   3
        ldmia   r1!, {r2-r12, lr}
        stmia   r0!, {r2-r12, lr}
        .endr
        ldmia   r1, {r2-r6}
        stmia   r0, {r2-r6}
        pop     {r4-r11, pc}
        end     ready_copy

/*
 * void *memcpy(void *dst, const void *src, size_t n)
 * Every block is read before it is written and addresses rise, so that memmove can use it when dst lies below src.
 */
        function memcpy
        push    {r0, r4-r9, lr}
        eor     r3, r0, r1
        tst     r3, #3                  /* never on the same word boundary: byte by byte */
        bne     4f
1:      tst     r0, #3
        beq     2f
        subs    r2, r2, #1
        blo     6f
        ldrb    r3, [r1], #1
        strb    r3, [r0], #1
        b       1b
2:      subs    r2, r2, #32
        ldmiahs r1!, {r3-r9, ip}
        stmiahs r0!, {r3-r9, ip}
        bhs     2b
        add     r2, r2, #32
3:      subs    r2, r2, #4
        ldrhs   r3, [r1], #4
        strhs   r3, [r0], #4
        bhs     3b
        add     r2, r2, #4
4:      subs    r2, r2, #1
        blo     6f
        ldrb    r3, [r1], #1
        strb    r3, [r0], #1
        b       4b
6:      pop     {r0, r4-r9, pc}
        end     memcpy

/* void *memset(void *dst, int value, size_t n) */
        function memset
        mov     ip, r0
1:      tst     ip, #3
        beq     2f
        subs    r2, r2, #1
        bxlo    lr
        strb    r1, [ip], #1
        b       1b
2:      and     r1, r1, #0xff
        orr     r1, r1, r1, lsl #8
        orr     r1, r1, r1, lsl #16
        mov     r3, r1
3:      subs    r2, r2, #8
        stmiahs ip!, {r1, r3}
        bhs     3b
        add     r2, r2, #8
4:      subs    r2, r2, #1
        bxlo    lr
        strb    r1, [ip], #1
        b       4b
        end     memset

        .section .note.GNU-stack, "", %progbits
