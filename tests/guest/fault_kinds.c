/* SPDX-License-Identifier: Apache-2.0 */
#include "fault_kinds.h"

#include "vmi.h"

#define OTHER_TASK (VMI_TASK_BASE + VMI_WINDOW_SIZE) /* window of task 1; the faults are task 0's */
#define HOLE (VMI_TASK_BASE + 0xf0000)               /* in task 0's window, not mapped */
#define UNMAPPED 0x0f000000
#define DEVICE 0x10009000 /* UART 0 */
#define VMM 0x60000000
#define HIGH 0xffff0000

typedef void function(void);

static uint64_t data[2] = {1, 2};
static const uint32_t constant = 5;

static void read_word(uint32_t address) {
  __asm__ volatile("ldr r0, [%0]" ::"r"(address) : "r0", "memory");
}

static void write_word(uint32_t address) {
  __asm__ volatile("str %0, [%0]" ::"r"(address) : "memory");
}

static void jump(uint32_t address) {
  __asm__ volatile("bx %0" ::"r"(address) : "memory");
}

static uint32_t address_of(const volatile void *object) {
  return (uint32_t)(uintptr_t)object;
}

/* Data aborts */
static void alignment_load(void) {
  __asm__ volatile("ldrd r0, r1, [%0]" ::"r"(address_of(data) + 2) : "r0", "r1", "memory");
}

static void alignment_store(void) {
  __asm__ volatile("stm %0, {r0, r1}" ::"r"(address_of(data) + 1) : "memory");
}

static void alignment_exclusive(void) {
  __asm__ volatile("ldrex r0, [%0]" ::"r"(address_of(data) + 1) : "r0", "memory");
}

static void null_read(void) {
  read_word(0);
}

static void null_write(void) {
  write_word(0xc);
}

static void hole_write(void) {
  write_word(HOLE);
}

static void unmapped_read(void) {
  read_word(UNMAPPED);
}

static void kernel_read(void) {
  read_word(VMI_KERNEL_BASE);
}

static void kernel_write(void) {
  write_word(VMI_VCPU_PAGE);
}

static void other_task_read(void) {
  read_word(OTHER_TASK);
}

static void text_write(void) {
  write_word(address_of((const void *)(uintptr_t)text_write));
}

static void constant_write(void) {
  write_word(address_of(&constant));
}

static void info_write(void) {
  write_word(VMI_INFO_PAGE);
}

static void vmm_read(void) {
  read_word(VMM);
}

static void vmm_write(void) {
  write_word(VMM + 0x4000);
}

static void device_write(void) {
  write_word(DEVICE);
}

static void big_endian_write(void) {
  __asm__ volatile("setend be");
  write_word(0x20);
}

/* Half of it is in the own memory, half is not. */
static void stack_pointer_wild(void) {
  __asm__ volatile("mov sp, %0\n\tpush {r0-r12, lr}" ::"r"(UNMAPPED + 0x10) : "memory");
}

/* Prefetch aborts */
static void null_jump(void) {
  jump(0);
}

static void unmapped_jump(void) {
  jump(UNMAPPED);
}

static void kernel_jump(void) {
  jump(VMI_KERNEL_BASE);
}

static void data_jump(void) {
  jump(address_of(data));
}

static void thumb_data_jump(void) {
  jump(address_of(data) | 1);
}

static void vmm_jump(void) {
  jump(VMM);
}

static void device_jump(void) {
  jump(DEVICE);
}

static void high_jump(void) {
  jump(HIGH);
}

/* Undefined instructions */
static void undefined(void) {
  __asm__ volatile("udf #0");
}

static void undefined_thumb(void) {
  __asm__ volatile("adr r0, 1f\n"
                   "orr r0, r0, #1\n"
                   "bx r0\n"
                   ".thumb\n"
                   "1: udf #0\n"
                   ".balign 4\n"
                   ".arm\n" ::
                       : "r0");
}

static void read_system_control(void) {
  __asm__ volatile("mrc p15, 0, r0, c1, c0, 0" ::: "r0");
}

static void write_translation_base(void) {
  __asm__ volatile("mcr p15, 0, %0, c2, c0, 0" ::"r"(0));
}

static void secure_call(void) {
  __asm__ volatile(".arch_extension sec\n\tsmc #0");
}

static void return_from_exception(void) {
  __asm__ volatile("subs pc, lr, #4");
}

static void banked_registers(void) {
  __asm__ volatile("stm sp, {r0-lr}^" ::: "memory");
}

static void vfp_control(void) {
  __asm__ volatile(".fpu neon\n\tvmrs r0, fpexc" ::: "r0");
}

const struct fault_kind fault_kinds[] = {
    {"alignment_load", true, alignment_load},
    {"alignment_store", true, alignment_store},
    {"alignment_exclusive", true, alignment_exclusive},
    {"null_read", true, null_read},
    {"null_write", true, null_write},
    {"hole_write", true, hole_write},
    {"unmapped_read", true, unmapped_read},
    {"kernel_read", false, kernel_read},
    {"kernel_write", false, kernel_write},
    {"other_task_read", false, other_task_read},
    {"text_write", true, text_write},
    {"constant_write", true, constant_write},
    {"info_write", true, info_write},
    {"vmm_read", true, vmm_read},
    {"vmm_write", true, vmm_write},
    {"device_write", true, device_write},
    {"big_endian_write", true, big_endian_write},
    {"stack_pointer_wild", true, stack_pointer_wild},
    {"null_jump", true, null_jump},
    {"unmapped_jump", true, unmapped_jump},
    {"kernel_jump", false, kernel_jump},
    {"data_jump", true, data_jump},
    {"thumb_data_jump", true, thumb_data_jump},
    {"vmm_jump", true, vmm_jump},
    {"device_jump", true, device_jump},
    {"high_jump", true, high_jump},
    {"undefined", true, undefined},
    {"undefined_thumb", true, undefined_thumb},
    {"read_system_control", true, read_system_control},
    {"write_translation_base", true, write_translation_base},
    {"secure_call", true, secure_call},
    {"return_from_exception", true, return_from_exception},
    {"banked_registers", true, banked_registers},
    {"vfp_control", true, vfp_control},
};

const uint32_t fault_kind_count = sizeof(fault_kinds) / sizeof(fault_kinds[0]);
