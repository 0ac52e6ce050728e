/* SPDX-License-Identifier: Apache-2.0 */
/* Which call, and arguments that are valid, nearly valid or hostile. A new call gets a line in `signatures`. */
#include "fuzz.h"
#include "lib/vcpu.h"
#include "lib/vmi_manage.h"

enum kind { WORD, TASK, PRIORITY, PERIOD, ENTRY, STACK, POINTER, LENGTH, VM, GUEST, SEQUENCE, OFFSET, MASK };

struct signature {
  uint32_t number;
  enum kind kind[4];
  uint32_t pointer; /* 1 + number of the argument that points to the result; 0: none */
  uint32_t bytes;   /* written there by success; 0: as many as the result says */
};

/* docs/vmi.md, calls. What is not here is called with anything. */
static const struct signature signatures[] = {
    {VMI_CONSOLE_WRITE, {POINTER, LENGTH, WORD, WORD}, 0, 0},
    {VMI_CONSOLE_READ, {POINTER, LENGTH, WORD, WORD}, 1, 0},
    {VMI_TIMER_SET, {PERIOD, WORD, WORD, WORD}, 0, 0},
    {VMI_TASK_CREATE, {TASK, ENTRY, STACK, WORD}, 0, 0},
    {VMI_TASK_DELETE, {TASK, WORD, WORD, WORD}, 0, 0},
    {VMI_TASK_SUSPEND, {TASK, WORD, WORD, WORD}, 0, 0},
    {VMI_TASK_RESUME, {TASK, WORD, WORD, WORD}, 0, 0},
    {VMI_TASK_PRIORITY, {TASK, PRIORITY, WORD, WORD}, 0, 0},
    {VMI_TASK_SWITCH, {TASK, WORD, WORD, WORD}, 0, 0},
    {VMI_TASK_RESULT, {TASK, WORD, WORD, WORD}, 0, 0},
    {VMI_TASK_RETURN, {WORD, WORD, WORD, WORD}, 0, 0},
    {VMI_VM_INFO, {VM, POINTER, WORD, WORD}, 2, sizeof(struct vmi_vm_info)},
    {VMI_GUEST_INFO, {GUEST, POINTER, WORD, WORD}, 2, sizeof(struct vmi_guest_info)},
    {VMI_TASK_INFO, {VM, TASK, POINTER, WORD}, 3, sizeof(struct vmi_task_info)},
    {VMI_VM_CREATE, {VM, GUEST, WORD, WORD}, 0, 0},
    {VMI_VM_START, {VM, WORD, WORD, WORD}, 0, 0},
    {VMI_VM_STOP, {VM, WORD, WORD, WORD}, 0, 0},
    {VMI_VM_PAUSE, {VM, WORD, WORD, WORD}, 0, 0},
    {VMI_VM_RESUME, {VM, WORD, WORD, WORD}, 0, 0},
    {VMI_VM_DESTROY, {VM, WORD, WORD, WORD}, 0, 0},
    {VMI_VM_CHECKPOINT, {VM, WORD, WORD, WORD}, 0, 0},
    {VMI_VM_ROLLBACK, {VM, TASK, WORD, WORD}, 0, 0},
    {VMI_FAULT_READ, {SEQUENCE, POINTER, WORD, WORD}, 2, sizeof(struct vmi_fault)},
    {VMI_POLICY_READ, {VM, POINTER, WORD, WORD}, 2, sizeof(struct vmi_policy)},
    {VMI_POLICY_SET, {VM, POINTER, WORD, WORD}, 0, 0},
    {VMI_BLACK_BOX, {VM, POINTER, WORD, WORD}, 2, sizeof(struct vmi_black_box)}, /* number of last words; 0: the box */
    {VMI_SCRUB, {POINTER, WORD, WORD, WORD}, 1, sizeof(struct vmi_scrub)},
    {VMI_VM_TAKE_OVER, {VM, WORD, WORD, WORD}, 0, 0},
    {VMI_VM_WORDS, {VM, POINTER, WORD, WORD}, 2, sizeof(struct vmi_vm_words)},
    {VMI_VM_LOG, {VM, OFFSET, POINTER, LENGTH}, 3, 0},
    {VMI_WATCH, {MASK, WORD, WORD, WORD}, 0, 0},
};

static const struct signature *signature_of(uint32_t number) {
  for (uint32_t i = 0; i < sizeof(signatures) / sizeof(signatures[0]); i++) {
    if (signatures[i].number == number) {
      return &signatures[i];
    }
  }
  return NULL;
}

static uint32_t one_of(struct fuzzer *f, const uint32_t *values, uint32_t count) {
  return values[fuzz_below(f, count)];
}

#define ONE_OF(f, ...)                                                                                   \
  one_of(f, (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static uint32_t hostile(struct fuzzer *f) {
  return fuzz_below(f, 8) == 0 ? fuzz_random(f) : hostile_value(fuzz_below(f, hostile_value_count()));
}

/* Around an edge of pages, windows and classes of addresses, or wrapping around. */
static uint32_t edge(struct fuzzer *f) {
  uint32_t page = ONE_OF(f, 0, VMI_KERNEL_BASE, VMI_VCPU_PAGE, VMI_SHARED_BASE, VMI_TASK_BASE,
                         VMI_TASK_BASE + VMI_WINDOW_SIZE, VMI_TASK_BASE + 2 * VMI_WINDOW_SIZE, VMI_INFO_PAGE,
                         VMI_INFO_PAGE + 0x1000u, VMI_CHANNEL_BASE, 0x10000000u, 0x60000000u, 0x68000000u);
  return page + fuzz_below(f, 17) - 8u;
}

static uint32_t pointer(struct fuzzer *f, uint32_t memory, uint32_t bytes) {
  switch (fuzz_below(f, 4)) {
    case 0:
      return edge(f);
    case 1:
      return hostile(f);
    default:
      return memory + fuzz_below(f, bytes);
  }
}

static uint32_t argument(struct fuzzer *f, enum kind kind, uint32_t memory, uint32_t bytes) {
  uint32_t tick = vmi_info_page()->tick_us;
  uint32_t tasks = vmi_info_page()->task_count;

  switch (kind) {
    case TASK:
      return ONE_OF(f, 0, 1, 2, tasks - 1u, tasks, tasks + 1u, 13, VMI_TASK_KERNEL, VMI_TASK_NEXT, 0x100);
    case PRIORITY:
      return ONE_OF(f, 0, 1, 31, 32, 62, 63, 64, 255, 256, 0xffffffffu);
    case PERIOD:
      return ONE_OF(f, 0, tick, 5 * tick, 63 * tick, 64 * tick, tick - 1u, tick + 1u, 0x80000000u, 0xffffffffu);
    case ENTRY:
      return ONE_OF(f, 0, VMI_TASK_BASE + 2u, VMI_KERNEL_BASE, VMI_INFO_PAGE, 0x60000000u, memory) | 2u;
    case STACK:
      return ONE_OF(f, 0, 4, memory, VMI_KERNEL_BASE, VMI_TASK_BASE, VMI_INFO_PAGE + 8u, 0x60000000u, 0xfffffff8u);
    case POINTER:
      return pointer(f, memory, bytes);
    case LENGTH:
      return ONE_OF(f, 0, 1, 2, 3, 4, 5, 8, 9, 64, 255, 256, 257, 0x1000, 0x7fffffffu, 0xffffff00u, 0xffffffffu);
    case VM:
      return ONE_OF(f, 0, 1, 2, 1, 2, 1, 2, 3, 4, 7, 8, 31, 32, 0xffffffffu);
    case GUEST:
      return ONE_OF(f, 0, 1, 2, 3, 0xfffffffeu, VMI_GUEST_CONFIGURED, VMI_GUEST_CONFIGURED);
    case SEQUENCE:
      return ONE_OF(f, 0, 1, 2, 255, 256, 257, 0x7fffffffu, 0xffffffffu);
    case OFFSET:
      return ONE_OF(f, 0, 1, 4095, 4096, 4097, 0x7fffffffu, 0x80000000u, 0xffffffffu);
    case MASK:
      return ONE_OF(f, 0, 1, 2, 4, 6, 7, 8, 0x80000000u, 0xffffffffu);
    default:
      return hostile(f);
  }
}

static uint32_t number(struct fuzzer *f) {
  switch (fuzz_below(f, 16)) {
    case 0:
      return fuzz_random(f);
    case 1:
      return VMI_GUEST_CALL - 2u + fuzz_below(f, 0x104);
    case 2:
    case 3:
      return fuzz_below(f, VMI_CALL_COUNT + 4u);
    case 4:
    case 5:
    case 6:
    case 7:
      return fuzz_below(f, VMI_VM_INFO);
    default:
      return signatures[fuzz_below(f, sizeof(signatures) / sizeof(signatures[0]))].number;
  }
}

/* A task at a random place of its text would take its own checks for failures: only these entries are let through. */
static bool entry_harmless(const struct fuzz_call *call) {
  return call->in[12] != VMI_TASK_CREATE || (call->in[1] & 3u) != 0 || call->in[1] >= VMI_WINDOW_SIZE * 17u ||
         call->in[1] < VMI_SHARED_BASE;
}

void fuzz_choose(struct fuzzer *f, struct fuzz_call *call, uint32_t memory, uint32_t bytes) {
  const struct signature *signature;

  call->in[12] = number(f);
  signature = signature_of(call->in[12]);
  for (unsigned i = 0; i < 4; i++) {
    bool any = signature == NULL || fuzz_below(f, 8) == 0;

    call->in[i] = argument(f, any ? WORD : signature->kind[i], memory, bytes);
  }
  if (!entry_harmless(call)) {
    call->in[1] |= 1u;
  }
}

uint32_t fuzz_written(const struct fuzz_call *call, int32_t value, uint32_t *address) {
  const struct signature *signature = signature_of(call->in[12]);

  if (signature == NULL || signature->pointer == 0) {
    return 0;
  }
  *address = call->in[signature->pointer - 1u];
  return signature->bytes != 0 ? signature->bytes : (uint32_t)value;
}

/* Class ERROR or FIXED, somebody else's window, or a page that the caller may not write (docs/vmi.md, address space). */
static bool forbidden(enum hostile_caller caller, uint32_t va, bool write, uint32_t own) {
  uint32_t window = va / VMI_WINDOW_SIZE;
  uint32_t first = window * VMI_WINDOW_SIZE;
  bool common = window == VMI_SHARED_BASE / VMI_WINDOW_SIZE || window == VMI_INFO_PAGE / VMI_WINDOW_SIZE;

  if (window == 0 || window > VMI_INFO_PAGE / VMI_WINDOW_SIZE) {
    return true;
  }
  if (!common && window >= VMI_TASK_BASE / VMI_WINDOW_SIZE + vmi_info_page()->task_count) {
    return true;
  }
  if (caller == HOSTILE_TASK && !common && window != own) {
    return true;
  }
  return write && va - first < 0x1000u && window != VMI_SHARED_BASE / VMI_WINDOW_SIZE; /* text, or the info page */
}

bool fuzz_pointer_right(enum hostile_caller caller, const struct fuzz_call *call, int32_t value, uint32_t memory,
                        uint32_t bytes) {
  const struct signature *s = signature_of(call->in[12]);
  bool read = call->in[12] == VMI_CONSOLE_WRITE;
  uint32_t own = memory / VMI_WINDOW_SIZE;

  if (s == NULL || (s->pointer == 0 && !read)) {
    return true;
  }
  uint32_t at = read ? 0 : s->pointer - 1u;
  uint32_t from = call->in[at];
  uint32_t length = s->bytes != 0 ? s->bytes : call->in[at + 1u];

  if (length == 0 || length > 256u) {
    return true;
  }
  if (value >= 0) {
    return from + length > from && !forbidden(caller, from, !read, own) &&
           !forbidden(caller, from + length - 1u, !read, own);
  }
  return value != VMI_EFAULT || from - memory >= bytes || bytes - (from - memory) < length;
}
