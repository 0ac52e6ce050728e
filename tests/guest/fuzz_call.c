/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "lib/vcpu.h"

#define MEMORY_WORDS 128u

static uint32_t memory[MEMORY_WORDS] __attribute__((aligned(4096))); /* begins at an edge of pages */
static struct fuzz_call call;

uint32_t fuzz_random(struct fuzzer *f) {
  uint32_t x = f->random;

  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  f->random = x;
  return x;
}

uint32_t fuzz_below(struct fuzzer *f, uint32_t limit) {
  return (fuzz_random(f) >> 8) % limit;
}

static void begin(struct fuzzer *f, uint32_t recoveries) {
  f->random = fuzz_mixed(f->seed ^ fuzz_mixed(f->position ^ fuzz_mixed(recoveries)));
  if (f->random == 0) {
    f->random = 1;
  }
}

static bool is_guest_call(const struct fuzzer *f) {
  return f->caller == HOSTILE_TASK && call.in[12] >= VMI_GUEST_CALL && call.in[12] <= VMI_GUEST_CALL_MAX;
}

/* No byte of `memory` differs but those that the call had to write. */
static bool memory_right(int32_t value) {
  uint32_t address = 0;
  uint32_t written = value > 0 || value == VMI_OK ? fuzz_written(&call, value, &address) : 0;
  const uint8_t *bytes = (const uint8_t *)memory;

  if (written == 0) {
    for (uint32_t i = 0; i < MEMORY_WORDS; i++) {
      if (memory[i] != call.in[4] + i) {
        return false;
      }
    }
    return true;
  }
  for (uint32_t i = 0; i < sizeof(memory); i++) {
    uint32_t word = call.in[4] + i / 4u;

    if (vmi_address(bytes + i) - address >= written && bytes[i] != (uint8_t)(word >> i % 4u * 8u)) {
      return false;
    }
  }
  return true;
}

static bool registers_right(void) {
  for (unsigned i = 4; i < 12; i++) {
    if (call.out[i] != call.in[i]) {
      return false;
    }
  }
  return call.out_lr == vmi_address(&call) && (call.out_flags & 0xf8000000u) == (call.flags & 0xf8000000u);
}

/* What only the guest changes, or entries into the kernel, of which there is none during a refused call. */
static bool vcpu_same(const struct vmi_vcpu *before) {
  volatile const struct vmi_vcpu *now = vcpu_page();

  return now->irq_masked == before->irq_masked && now->irq_enabled == before->irq_enabled &&
         now->irq_pc == before->irq_pc && now->irq_cpsr == before->irq_cpsr && now->irq_from == before->irq_from &&
         now->current_task == before->current_task;
}

static bool refused(int32_t value) {
  return value < 0 && call.in[12] != VMI_TIME && call.in[12] != VMI_WAIT;
}

static const char *wrong(const struct fuzzer *f, const struct vmi_vcpu *before) {
  int32_t value = (int32_t)call.out[0];

  if (!registers_right()) {
    return "a register has changed";
  }
  if (is_guest_call(f)) { /* its kernel may have done anything to it meanwhile, but not to its memory */
    return memory_right(-1) ? NULL : "memory of the task has changed";
  }
  if (!hostile_answer_valid(f->caller, call.in[12], value)) {
    return "this is no answer of that call";
  }
  if (!fuzz_pointer_right(f->caller, &call, value, vmi_address(memory), sizeof(memory))) {
    return "that pointer gets another answer";
  }
  if (!memory_right(value)) {
    return refused(value) ? "it was refused and has changed memory" : "it has written elsewhere";
  }
  if (refused(value) && f->caller != HOSTILE_TASK && before->irq_masked != 0 && !vcpu_same(before)) {
    return "it was refused and has changed the vCPU page";
  }
  return NULL;
}

static void describe(const struct fuzzer *f, uint32_t recoveries, const char *why) {
  print("\nTEST %s FAIL %s: call 0x%x(0x%x, 0x%x, 0x%x, 0x%x) gave %d; ", f->report.name, why, (unsigned)call.in[12],
        (unsigned)call.in[0], (unsigned)call.in[1], (unsigned)call.in[2], (unsigned)call.in[3], (int)call.out[0]);
  print("seed %u, position %u, recoveries %u\n", (unsigned)f->seed, (unsigned)f->position, (unsigned)recoveries);
}

static void prepare(struct fuzzer *f) {
  for (unsigned i = 4; i < 12; i++) {
    call.in[i] = fuzz_random(f);
  }
  call.flags = fuzz_random(f) & 0xf8000000u;
  for (uint32_t i = 0; i < MEMORY_WORDS; i++) {
    memory[i] = call.in[4] + i;
  }
}

/*
 * Rolled back to the last checkpoint; by then `recoveries` is another number, and so are the calls that follow. If the checkpoint was
 * taken between the choice and here, it is seen here; if it was in the last three instructions, only a cold restart helps (D5, D7).
 */
static void fail_really(struct fuzzer *f, uint32_t recoveries) {
  volatile uint32_t *nowhere = fuzz_below(f, 2) == 0 ? (volatile uint32_t *)4 : (volatile uint32_t *)VMI_INFO_PAGE;

  if (((volatile const struct vmi_info *)VMI_INFO_PAGE)->recoveries == recoveries) {
    *nowhere = 0;
  }
}

bool fuzz_next(struct fuzzer *f, bool (*before)(const struct fuzz_call *call)) {
  struct vmi_vcpu vcpu = {0};
  uint32_t recoveries = ((volatile const struct vmi_info *)VMI_INFO_PAGE)->recoveries;
  const char *why;

  f->position++;
  begin(f, recoveries);
  fuzz_choose(f, &call, vmi_address(memory), sizeof(memory));
  prepare(f);
  if (f->recover != 0 && fuzz_below(f, f->recover) == 0) {
    fail_really(f, recoveries);
  }
  if (!before(&call)) {
    return true;
  }
  if (f->caller != HOSTILE_TASK) {
    vcpu = *(const struct vmi_vcpu *)VMI_VCPU_PAGE;
  }
  fuzz_svc(&call);
  why = wrong(f, &vcpu);
  f->report.checks++;
  if (why != NULL && f->report.failures++ == 0) {
    describe(f, recoveries, why);
  }
  return why == NULL;
}
