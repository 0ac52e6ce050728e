# SPDX-License-Identifier: Apache-2.0
"""Which A32 words are which kind of instruction for the ARM920T model, and where their registers are.

A row is (mask, value, kind, registers read, registers written); the first row that fits a word is its meaning.
Registers are named by the field that holds them, as in the ARM Architecture Reference Manual before ARMv7:

    n  bits 19:16        d  bits 15:12, e the register after it        s  bits 11:8
    m  bits 3:0, o the register after it        l  lr        p  pc        *  the register list in bits 15:0

An updated base register is not among the registers written: it was read by the same instruction and is ready at once.
"""

from enum import Enum, auto


class Kind(Enum):
    """A class of instructions with one timing rule."""

    DATA = auto()
    DATA_SHIFTED_BY_REGISTER = auto()
    BRANCH = auto()
    LOAD = auto()
    LOAD_NARROW = auto()
    STORE = auto()
    LOAD_MULTIPLE = auto()
    STORE_MULTIPLE = auto()
    SWAP = auto()
    SWAP_BYTE = auto()
    STATUS_READ = auto()
    STATUS_WRITE_FLAGS = auto()
    STATUS_WRITE = auto()
    MULTIPLY = auto()
    MULTIPLY_LONG = auto()
    MULTIPLY_LONG_UNSIGNED = auto()
    MULTIPLY_SHORT = auto()
    MULTIPLY_SHORT_LONG = auto()
    COPROCESSOR_READ = auto()
    COPROCESSOR_READ_PAIR = auto()
    COPROCESSOR_WRITE = auto()
    COPROCESSOR_WRITE_PAIR = auto()
    COPROCESSOR_TRANSFER = auto()
    EXCEPTION = auto()
    HINT = auto()


Row = tuple[int, int, Kind, str, str]

# Words whose condition field is 0b1111; MCR2 and its like come with the coprocessors' forms below.
_UNCONDITIONAL: tuple[Row, ...] = (
    (0xFFFFFF00, 0xF57FF000, Kind.HINT, "", ""),  # CLREX, DSB, DMB, ISB
    (0xFC30F000, 0xF410F000, Kind.HINT, "", ""),  # PLD, PLDW, PLI
    (0xFFF10020, 0xF1000000, Kind.STATUS_WRITE, "", ""),  # CPS
    (0xFE5FFFE0, 0xF84D0500, Kind.STORE_MULTIPLE, "l", ""),  # SRS
    (0xFE50FFFF, 0xF8100A00, Kind.LOAD_MULTIPLE, "n", "p"),  # RFE
    (0xFE000000, 0xFA000000, Kind.BRANCH, "", ""),  # BLX immediate
)

_MULTIPLIES: tuple[Row, ...] = (
    (0x0FE000F0, 0x00000090, Kind.MULTIPLY, "ms", "n"),  # MUL
    (0x0FE000F0, 0x00200090, Kind.MULTIPLY, "msd", "n"),  # MLA
    (0x0FF000F0, 0x00400090, Kind.MULTIPLY_LONG_UNSIGNED, "msdn", "dn"),  # UMAAL
    (0x0FF000F0, 0x00600090, Kind.MULTIPLY, "msd", "n"),  # MLS
    (0x0FE000F0, 0x00800090, Kind.MULTIPLY_LONG_UNSIGNED, "ms", "dn"),  # UMULL
    (0x0FE000F0, 0x00A00090, Kind.MULTIPLY_LONG_UNSIGNED, "msdn", "dn"),  # UMLAL
    (0x0FE000F0, 0x00C00090, Kind.MULTIPLY_LONG, "ms", "dn"),  # SMULL
    (0x0FE000F0, 0x00E00090, Kind.MULTIPLY_LONG, "msdn", "dn"),  # SMLAL
    (0x0FF00090, 0x01000080, Kind.MULTIPLY_SHORT, "msd", "n"),  # SMLA<x><y>
    (0x0FF000B0, 0x01200080, Kind.MULTIPLY_SHORT, "msd", "n"),  # SMLAW<y>
    (0x0FF000B0, 0x012000A0, Kind.MULTIPLY_SHORT, "ms", "n"),  # SMULW<y>
    (0x0FF00090, 0x01400080, Kind.MULTIPLY_SHORT_LONG, "msdn", "dn"),  # SMLAL<x><y>
    (0x0FF00090, 0x01600080, Kind.MULTIPLY_SHORT, "ms", "n"),  # SMUL<x><y>
)

_STATUS_AND_BRANCHES: tuple[Row, ...] = (
    (0x0FFFFFF0, 0x012FFF10, Kind.BRANCH, "m", ""),  # BX
    (0x0FFFFFF0, 0x012FFF20, Kind.BRANCH, "m", ""),  # BXJ
    (0x0FFFFFF0, 0x012FFF30, Kind.BRANCH, "m", ""),  # BLX
    (0x0FF000F0, 0x01200070, Kind.EXCEPTION, "", ""),  # BKPT
    (0x0FBF0FFF, 0x010F0000, Kind.STATUS_READ, "", "d"),  # MRS
    (0x0FB00EFF, 0x01000200, Kind.STATUS_READ, "", "d"),  # MRS, register of another mode
    (0x0FBFFFF0, 0x0128F000, Kind.STATUS_WRITE_FLAGS, "m", ""),  # MSR, only the flags field
    (0x0FB0FFF0, 0x0120F000, Kind.STATUS_WRITE, "m", ""),  # MSR, any other set of fields
    (0x0FB0FEF0, 0x0120F200, Kind.STATUS_WRITE, "m", ""),  # MSR, register of another mode
    (0x0FFFFF00, 0x0320F000, Kind.HINT, "", ""),  # NOP, YIELD, WFE, WFI, SEV
    (0x0FBFF000, 0x0328F000, Kind.STATUS_WRITE_FLAGS, "", ""),
    (0x0FB0F000, 0x0320F000, Kind.STATUS_WRITE, "", ""),
    (0x0E000000, 0x0A000000, Kind.BRANCH, "", ""),  # B, BL
    (0x0F000000, 0x0F000000, Kind.EXCEPTION, "", ""),  # SVC
    (0x0FF000F0, 0x07F000F0, Kind.EXCEPTION, "", ""),  # UDF
)

# Data operations of later architectures; each counts as one data operation.
_LATER_DATA: tuple[Row, ...] = (
    (0x0FF00000, 0x03000000, Kind.DATA, "", "d"),  # MOVW
    (0x0FF00000, 0x03400000, Kind.DATA, "d", "d"),  # MOVT
    (0x0FFF0FF0, 0x016F0F10, Kind.DATA, "m", "d"),  # CLZ
    (0x0F900FF0, 0x01000050, Kind.DATA, "nm", "d"),  # QADD, QSUB, QDADD, QDSUB
    (0x0FF00030, 0x06800010, Kind.DATA, "nm", "d"),  # PKHBT, PKHTB
    (0x0FF00FF0, 0x06800FB0, Kind.DATA, "nm", "d"),  # SEL
    (0x0F8003F0, 0x06800070, Kind.DATA, "nm", "d"),  # SXTB, UXTH, SXTAB, ...
    (0x0FBF0F70, 0x06BF0F30, Kind.DATA, "m", "d"),  # REV, REV16, RBIT, REVSH
    (0x0FA00030, 0x06A00010, Kind.DATA, "m", "d"),  # SSAT, USAT
    (0x0FA00070, 0x07A00050, Kind.DATA, "m", "d"),  # SBFX, UBFX
    (0x0FE0007F, 0x07C0001F, Kind.DATA, "d", "d"),  # BFC
    (0x0FE00070, 0x07C00010, Kind.DATA, "md", "d"),  # BFI
)

_SWAPS_AND_EXCLUSIVES: tuple[Row, ...] = (
    (0x0FF00FF0, 0x01000090, Kind.SWAP, "nm", "d"),
    (0x0FF00FF0, 0x01400090, Kind.SWAP_BYTE, "nm", "d"),
    (0x0FF00FFF, 0x01900F9F, Kind.LOAD, "n", "d"),  # LDREX
    (0x0FF00FFF, 0x01B00F9F, Kind.LOAD_MULTIPLE, "n", "de"),  # LDREXD
    (0x0FD00FFF, 0x01D00F9F, Kind.LOAD_NARROW, "n", "d"),  # LDREXB, LDREXH
    (0x0FF00FF0, 0x01A00F90, Kind.STORE_MULTIPLE, "nmo", "d"),  # STREXD
    (0x0F900FF0, 0x01800F90, Kind.STORE, "nm", "d"),  # STREX, STREXB, STREXH
)

# Offset: a register when bit 22 is clear, an immediate when it is set.
_EXTRA_TRANSFERS: tuple[Row, ...] = tuple(
    (0x0E5000F0, immediate | value, kind, reads + offset, writes)
    for immediate, offset in ((0x00000000, "m"), (0x00400000, ""))
    for value, kind, reads, writes in (
        (0x000000B0, Kind.STORE, "nd", ""),  # STRH
        (0x001000B0, Kind.LOAD_NARROW, "n", "d"),  # LDRH
        (0x001000D0, Kind.LOAD_NARROW, "n", "d"),  # LDRSB
        (0x001000F0, Kind.LOAD_NARROW, "n", "d"),  # LDRSH
        (0x000000D0, Kind.LOAD_MULTIPLE, "n", "de"),  # LDRD
        (0x000000F0, Kind.STORE_MULTIPLE, "nde", ""),  # STRD
    )
)

_TRANSFERS: tuple[Row, ...] = (
    *(
        (form_mask | 0x00500000, form | value, kind, reads + offset, writes)
        for form_mask, form, offset in ((0x0E000000, 0x04000000, ""), (0x0E000010, 0x06000000, "m"))
        for value, kind, reads, writes in (
            (0x00000000, Kind.STORE, "nd", ""),  # STR
            (0x00400000, Kind.STORE, "nd", ""),  # STRB
            (0x00100000, Kind.LOAD, "n", "d"),  # LDR
            (0x00500000, Kind.LOAD_NARROW, "n", "d"),  # LDRB
        )
    ),
    (0x0E100000, 0x08000000, Kind.STORE_MULTIPLE, "n*", ""),  # STM
    (0x0E100000, 0x08100000, Kind.LOAD_MULTIPLE, "n", "*"),  # LDM
)

# TST and its like write no register and exist only with the S bit; MOV and MVN read no Rn.
_DATA: tuple[Row, ...] = tuple(
    (form_mask | mask, form | value, kind, first + second, writes)
    for form_mask, form, kind, second in (
        (0x0E000000, 0x02000000, Kind.DATA, ""),
        (0x0E000010, 0x00000000, Kind.DATA, "m"),
        (0x0E000090, 0x00000010, Kind.DATA_SHIFTED_BY_REGISTER, "ms"),
    )
    for mask, value, first, writes in (
        (0x01000000, 0x00000000, "n", "d"),  # AND, EOR, SUB, RSB, ADD, ADC, SBC, RSC
        (0x01900000, 0x01100000, "n", ""),  # TST, TEQ, CMP, CMN
        (0x01A00000, 0x01800000, "n", "d"),  # ORR, BIC
        (0x01A00000, 0x01A00000, "", "d"),  # MOV, MVN
    )
)

# VFP's transfers have coprocessor forms: VMRS and VMOV are MRC, VMSR is MCR, VLDM and VSTM are LDC and STC.
_COPROCESSOR: tuple[Row, ...] = (
    (0x0F100010, 0x0E000010, Kind.COPROCESSOR_WRITE, "d", ""),  # MCR
    (0x0F100010, 0x0E100010, Kind.COPROCESSOR_READ, "", "d"),  # MRC
    (0x0FF00000, 0x0C400000, Kind.COPROCESSOR_WRITE_PAIR, "dn", ""),  # MCRR
    (0x0FF00000, 0x0C500000, Kind.COPROCESSOR_READ_PAIR, "", "dn"),  # MRRC
    (0x0F200E00, 0x0D000A00, Kind.COPROCESSOR_TRANSFER, "n", ""),  # VLDR, VSTR
    (0x0E000E00, 0x0C000A00, Kind.COPROCESSOR_TRANSFER, "n", ""),  # VLDM, VSTM
)

UNCONDITIONAL: tuple[Row, ...] = (*_UNCONDITIONAL, *_COPROCESSOR)
CONDITIONAL: tuple[Row, ...] = (
    *_MULTIPLIES,
    *_STATUS_AND_BRANCHES,
    *_LATER_DATA,
    *_SWAPS_AND_EXCLUSIVES,
    *_EXTRA_TRANSFERS,
    *_TRANSFERS,
    *_DATA,
    *_COPROCESSOR,
)
