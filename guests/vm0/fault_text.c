/* SPDX-License-Identifier: Apache-2.0 */
#include "vm0/fault_text.h"

#include "lib/format.h"
#include "vm0/describe.h"
#include "vmi_fault_words.h"

#define TIMER_HZ 100000000u /* unit of vmi_fault.time_*, see vmi.h */
#define NO_WINDOW 0xffu

#define KERNEL_WINDOW (VMI_KERNEL_BASE / VMI_WINDOW_SIZE)
#define SHARED_WINDOW (VMI_SHARED_BASE / VMI_WINDOW_SIZE)
#define FIRST_TASK_WINDOW (VMI_TASK_BASE / VMI_WINDOW_SIZE)
#define INFO_WINDOW (VMI_INFO_PAGE / VMI_WINDOW_SIZE)

const char *window_text(uint32_t window) {
  if (window == 0) {
    return "null window";
  }
  if (window == KERNEL_WINDOW) {
    return "guest kernel";
  }
  if (window == SHARED_WINDOW) {
    return "shared library and data";
  }
  if (window == INFO_WINDOW) {
    return "info page and channels";
  }
  return window < FIRST_TASK_WINDOW + VMI_TASK_MAX ? "task" : "outside the guest";
}

/* How the fault came about: one phrase per kind. */
static const char *access_text(const struct vmi_fault *fault) {
  switch (fault->kind) {
    case VMI_FAULT_DATA:
      return fault->write != 0 ? "write access" : "read access";
    case VMI_FAULT_PREFETCH:
    case VMI_FAULT_UNDEFINED:
      return "instruction fetch";
    default:
      return "no access";
  }
}

static const char *status_name(const struct vmi_fault *fault) {
  switch (fault->kind) {
    case VMI_FAULT_DATA:
    case VMI_FAULT_ASYNC:
      return "DFSR";
    case VMI_FAULT_PREFETCH:
      return "IFSR";
    default:
      return "status";
  }
}

static size_t who_line(char *text, size_t size, const struct vmi_fault *fault, const char *vm, const char *task) {
  uint64_t time = (uint64_t)fault->time_hi << 32 | fault->time_lo;

  return format_text(text, size, "#%u at %u.%08u s: %s, %s%s\n", (unsigned)fault->sequence, (unsigned)(time / TIMER_HZ),
                     (unsigned)(time % TIMER_HZ), vm, fault->task == VMI_TASK_KERNEL ? "guest kernel" : task,
                     fault->salvaged != 0 ? " (without a checksum)" : "");
}

static size_t what_line(char *text, size_t size, const struct vmi_fault *fault) {
  return format_text(text, size, "   %s, %s, %s\n", describe_kind(fault->kind), describe_class(fault->class),
                     access_text(fault));
}

static size_t status_line(char *text, size_t size, const struct vmi_fault *fault) {
  const char *explanation = vmi_fault_explanation(fault);

  return format_text(text, size, "   %s 0x%08x%s%s\n", status_name(fault), (unsigned)fault->status,
                     explanation != NULL ? ": " : "", explanation != NULL ? explanation : "");
}

static size_t where_line(char *text, size_t size, const struct vmi_fault *fault, const char *owner) {
  if (fault->owner_window == NO_WINDOW) {
    return format_text(text, size, "   pc 0x%08x, address 0x%08x outside the guest\n", (unsigned)fault->pc,
                       (unsigned)fault->address);
  }
  return format_text(text, size, "   pc 0x%08x, address 0x%08x in window %u (%s)\n", (unsigned)fault->pc,
                     (unsigned)fault->address, (unsigned)fault->owner_window, owner);
}

static size_t action_line(char *text, size_t size, const struct vmi_fault *fault) {
  return format_text(text, size, "   %s: %s\n", describe_action(fault->action), describe_reason(fault->reason));
}

static size_t cost_line(char *text, size_t size, const struct vmi_fault *fault) {
  return format_text(text, size, "   %u pages exchanged, table 0x%08x -> 0x%08x, cost %u timer ticks\n",
                     (unsigned)fault->pages, (unsigned)fault->old_table, (unsigned)fault->new_table,
                     (unsigned)fault->cost);
}

size_t fault_text(char *text, const struct vmi_fault *fault, const char *vm, const char *task, const char *owner) {
  size_t length = who_line(text, FAULT_TEXT_SIZE, fault, vm, task);

  length += what_line(&text[length], FAULT_TEXT_SIZE - length, fault);
  length += status_line(&text[length], FAULT_TEXT_SIZE - length, fault);
  length += where_line(&text[length], FAULT_TEXT_SIZE - length, fault, owner);
  length += action_line(&text[length], FAULT_TEXT_SIZE - length, fault);
  length += cost_line(&text[length], FAULT_TEXT_SIZE - length, fault);
  return length;
}
