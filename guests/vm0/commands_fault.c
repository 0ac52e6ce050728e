/* SPDX-License-Identifier: Apache-2.0 */
/* Faults and recovery: the fault log, checkpoints and rollbacks on request. */
#include "lib/print.h"
#include "lib/string.h"
#include "lib/vmi_manage.h"
#include "vm0/command.h"
#include "vm0/describe.h"
#include "vm0/fault_text.h"
#include "vm0/lookup.h"
#include "vm0/vm_operation.h"

#define FIRST_TASK_WINDOW (VMI_TASK_BASE / VMI_WINDOW_SIZE)
#define ANY_VM 0xffffffffu
#define LOG_CAPACITY 256u /* records that the VMM keeps at most */

/* Of this life of the board. Sequence numbers only grow: what was once found overwritten, or there, stays so. */
static uint32_t first_sequence;
static uint32_t first_kept;
static uint32_t next_sequence;

/* The first sequence number >= from whose reading does not give `result`; all before it do, from `from` on. */
static uint32_t end_of(uint32_t from, bool (*gives)(int32_t result)) {
  struct vmi_fault fault;
  uint32_t step = 1;

  /* Steps of growing width, then of shrinking width: a flood of faults must not keep the console busy. */
  while (gives(vmi_fault_read(from + step - 1, &fault))) {
    from += step;
    step *= 2;
  }
  for (; step != 0; step /= 2) {
    if (gives(vmi_fault_read(from + step - 1, &fault))) {
      from += step;
    }
  }
  return from;
}

static bool is_written(int32_t result) {
  return result != VMI_EAGAIN;
}

static bool is_overwritten(int32_t result) {
  return result == VMI_ENOENT;
}

static void find_log_ends(void) {
  struct vmi_black_box box;

  if (first_sequence == 0 && vmi_black_box(&box) == VMI_OK) {
    first_sequence = box.first;
    first_kept = box.first;
    next_sequence = box.first;
  }
  next_sequence = end_of(next_sequence, is_written);
  first_kept = end_of(first_kept, is_overwritten);
}

static const char *owner_text(const struct vmi_fault *fault) {
  uint32_t window = fault->owner_window;

  if (window >= FIRST_TASK_WINDOW && window < FIRST_TASK_WINDOW + VMI_TASK_MAX) {
    return task_name(fault->vm, window - FIRST_TASK_WINDOW);
  }
  return window_text(window);
}

static void print_fault(const struct vmi_fault *fault) {
  char text[FAULT_TEXT_SIZE];
  char task[VMI_NAME_SIZE];

  memcpy(task, task_name(fault->vm, fault->task), strlen(task_name(fault->vm, fault->task)) + 1);
  print_bytes(text, fault_text(text, fault, vm_name(fault->vm), task, owner_text(fault)));
  print_vm_words(fault->vm, fault->sequence);
}

static uint32_t print_faults(uint32_t first, uint32_t end, uint32_t vm) {
  struct vmi_fault fault;
  uint32_t printed = 0;

  for (uint32_t sequence = first; sequence < end; sequence++) {
    if (vmi_fault_read(sequence, &fault) == VMI_OK && (vm == ANY_VM || fault.vm == vm)) {
      print_fault(&fault);
      printed++;
    }
  }
  return printed;
}

/* The arguments: nothing, VM, or `last N`. */
static bool parse_selection(const struct words *words, uint32_t *first, uint32_t *vm) {
  uint32_t count;

  *first = first_kept;
  *vm = ANY_VM;
  if (words->count == 1) {
    return true;
  }
  if (words->count == 2) {
    return lookup_vm(words->word[0], words->word[1], vm);
  }
  if (strcmp(words->word[1], "last") != 0) {
    print("usage: faults [VM | last N]\n");
    return false;
  }
  if (!lookup_number(words->word[0], words->word[2], &count)) {
    return false;
  }
  *first = count < next_sequence - first_kept ? next_sequence - count : first_kept;
  return true;
}

void command_faults(const struct words *words) {
  uint32_t first;
  uint32_t vm;

  find_log_ends();
  if (!parse_selection(words, &first, &vm)) {
    return;
  }
  print("%u shown, %u since the start\n", (unsigned)print_faults(first, next_sequence, vm),
        (unsigned)(next_sequence - first_sequence));
}

static const char *const boxes[] = {
    [VMI_BLACK_BOX_EMPTY] = "nothing was left of a life before",
    [VMI_BLACK_BOX_SAME_BUILD] = "the life before was of this build",
    [VMI_BLACK_BOX_OTHER_BUILD] = "the life before was of another build: names of VMs and tasks may be wrong",
    [VMI_BLACK_BOX_DAMAGED] = "whose the records are is lost: names of VMs and tasks may be wrong",
};

static void print_last_words(const struct vmi_last_words *words) {
  print("VMM fault, record #%u, life %u: %s, %s ran\n", (unsigned)words->sequence, (unsigned)words->life,
        describe_kind(words->kind), vm_name(words->vm));
  print("   pc %08x lr %08x sp %08x cpsr %08x dfsr %08x dfar %08x ifsr %08x ifar %08x", (unsigned)words->pc,
        (unsigned)words->lr, (unsigned)words->sp, (unsigned)words->cpsr, (unsigned)words->dfsr, (unsigned)words->dfar,
        (unsigned)words->ifsr, (unsigned)words->ifar);
  for (unsigned i = 0; i < 13; i++) {
    print("%s r%u %08x", i % 7 == 0 ? "\n  " : "", i, (unsigned)words->r[i]);
  }
  for (unsigned i = 0; i < VMI_STACK_WORDS; i++) {
    print("%s %08x", i % 8 == 0 ? "\n   stack" : "", (unsigned)words->stack[i]);
  }
  print("\n");
}

void command_blackbox(const struct words *words) {
  struct vmi_black_box box;
  struct vmi_last_words last;
  uint32_t shown;

  if (!operation_succeeded(words->word[0], 0, vmi_black_box(&box))) {
    return;
  }
  shown = print_faults(box.first > LOG_CAPACITY ? box.first - LOG_CAPACITY : 1, box.first, ANY_VM);
  for (uint32_t nth = 0; vmi_last_words(nth, &last) == VMI_OK; nth++) {
    print_last_words(&last);
  }
  print("life %u since power-on, %u micro-reboots of the VMM in it; %s\n", (unsigned)box.life, (unsigned)box.restarts,
        boxes[box.state]);
  if (box.build[0] != 0) {
    print("it ran system %s, build %s\n", box.system, box.build);
  }
  print("%u faults of former lives, %u of them without a checksum; %u lost by damage\n", (unsigned)shown,
        (unsigned)box.salvaged, (unsigned)box.damaged);
}

void command_checkpoint(const struct words *words) {
  uint32_t vm;

  if (lookup_vm(words->word[0], words->word[1], &vm) &&
      operation_succeeded(words->word[0], vm, vmi_vm_checkpoint(vm))) {
    print("%s: checkpoint taken\n", vm_name(vm));
  }
}

/*
 * What was done is in the log: where a task alone would leave its kernel inconsistent, the VMM rolls back the VM (D6).
 */
static void print_rollback(uint32_t vm, uint32_t task) {
  struct vmi_fault fault = {.action = VMI_ACTION_VM_ROLLBACK};

  find_log_ends();
  (void)vmi_fault_read(next_sequence - 1, &fault);
  if (fault.action == VMI_ACTION_TASK_ROLLBACK) {
    print("%s/%s: rolled back to its last checkpoint\n", vm_name(vm), task_name(vm, task));
  } else if (task == VMI_TASK_KERNEL) {
    print("%s: rolled back to its last checkpoint\n", vm_name(vm));
  } else {
    print("%s: the whole VM was rolled back to its last checkpoint: %s\n", vm_name(vm), describe_reason(fault.reason));
  }
}

void command_rollback(const struct words *words) {
  const char *command = words->word[0];
  uint32_t vm;
  uint32_t task = VMI_TASK_KERNEL;

  if (!lookup_vm(command, words->word[1], &vm) ||
      (words->count > 2 && !lookup_task(command, words->word[2], vm, &task)) ||
      !operation_succeeded(command, vm, vmi_vm_rollback(vm, task))) {
    return;
  }
  print_rollback(vm, task);
}
