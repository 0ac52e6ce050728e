// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/recovery/undo.c vmm-c/recovery/checkpoint.c vmm-c/recovery/rollback.c vmm-c/recovery/threads.c
// sources: vmm-c/recovery/generations.c vmm-c/recovery/promotion.c vmm-c/recovery/recovery.c vmm-c/recovery/switch.c vmm-c/recovery/complete.c vmm-c/core/switch.c vmm-c/core/vm.c vmm-c/core/vm_memory.c vmm-c/core/ready.c
// sources: vmm-c/core/sched.c vmm-c/core/watchdog.c vmm-c/core/housekeeping.c vmm-c/core/task.c vmm-c/core/virq.c vmm-c/core/vmi_dispatch.c vmm-c/core/fault.c
// sources: vmm-c/core/fault_log.c vmm-c/core/black_box.c vmm-c/core/health.c vmm-c/core/action.c vmm-c/core/guest_access.c vmm-c/core/channel.c
// sources: vmm-c/core/outside.c vmm-c/core/console.c vmm-c/core/console_output.c vmm-c/core/manage.c
// sources: vmm-c/arch/armv7/fault_status.c vmm-c/drivers/global_timer.c
// sources: vmm-c/core/fault_refine.c vmm-c/core/guest_report.c vmm-c/core/image_check.c vmm-c/core/identity.c
// sources: vmm-c/recovery/standby.c vmm-c/recovery/duplicate.c
// sources: vmm-c/recovery/sums.c vmm-c/recovery/validate.c vmm-c/recovery/validate_step.c vmm-c/recovery/objects.c vmm-c/drivers/gic.c vmm-c/drivers/sp804.c vmm-c/core/scrub.c vmm-c/lib/crc32.c
// sources: tests/c/fakes/sinks.c tests/c/fakes/machine.c tests/c/fakes/small_vms.c tests/c/fakes/model.c tests/c/fakes/model_restore.c
// sources: tests/c/fakes/model_tables.c tests/c/fakes/model_generations.c tests/c/fakes/model_wraps.c tests/c/fakes/model_outside.c tests/c/fakes/model_sums.c
// sources: tests/c/fakes/guest.c tests/c/fakes/guest_random.c tests/c/fakes/failed.c
// include: tests/c/fakes vmm-c/boards/vexpress-a9
// flags: -no-pie -fno-pie -Wno-pointer-to-int-cast -Wno-int-to-pointer-cast -Dsched_yield=vmm_sched_yield
// wrap: recovery_reset recovery_first_write recovery_edit_frame recovery_task_created recovery_level recovery_backup_is_sound
// wrap: recovery_checkpoint recovery_safe_point recovery_rollback_task recovery_rollback_vm recovery_older_generation recovery_promote switch_to_task
// wrap: switch_from_vm switch_slice_ended switch_to_idle switch_to_kernel_call guest_write virq_raise
// wrap: console_write channel_notify outside_end
/*
 * Checkpoints and rollbacks against a naive model (fakes/model.h), on a simulated CPU (fakes/machine.h): R7, R8, R9, R13..R21,
 * R24, R26..R30, D1, D4..D6, D9 and invariants 1..4, over random sequences of what guests, their tasks and VM0 can do.
 *
 * Seen to fail with: guest_write without first_write; any of the TLB invalidations left out; the wrong twin frame of a task's
 * page or of an eager copy; the image of a task, of the kernel or of the running task shared with a checkpoint, or moved on
 * by an edit that the task's checkpoint does not follow; a VFP image moved on without being saved; VFP left on after a
 * rollback; an eager or full page opened while it is the VM's backup; shared pages left open at a switch; impure calls
 * or the kernel's work at a VM checkpoint not noted; input not rewound; in pages of channels not mapped anew;
 * held text, bells or pages of channels let out too early, too late or twice, or kept at a rollback; a task that wrote text
 * rolled back alone;
 * in half of the sequences, a checksum of a backup left out, or of the wrong frame or part of it.
 *
 * RECOVERY_SEED=n RECOVERY_SEQUENCES=1 repeats the sequence with that seed; RECOVERY_TRACE=1 prints each step.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/console.h"
#include "core/fault_log.h"
#include "arch/armv7/mmu.h"
#include "core/recovery.h"
#include "guest.h"
#include "guest_random.h"
#include "machine.h"
#include "model.h"
#include "model_restore.h"
#include "recovery/validate.h"

#define SEQUENCES 2000u
#define STEPS 160u
#define ROLLBACKS 1000u

static uint32_t setting(const char *name, uint32_t otherwise) {
  const char *value = getenv(name);
  return value != NULL ? (uint32_t)strtoul(value, NULL, 0) : otherwise;
}

/* Every checkpoint is whole at every moment (invariant 3), and so is what the guests see. */
static void check_everything(void) {
  for (unsigned i = 0; i < SMALL_VMS; i++) {
    if (vms[i].run_state != VMI_VM_EMPTY) {
      model_compare_memory(&vms[i]);
      for (unsigned page = 0; page < small_page_count; page++) {
        model_compare_checkpoint(&vms[i], page);
      }
    }
  }
}

/* No false alarm of the validation, whatever guests do (D7). */
static void check_valid(const struct vm *vm, uint32_t window) {
  struct vmi_fault what = {0};
  CHECK(!vm->tracked || (validate_vm(vm, &what) && validate_pages(vm, window, 0, L2_ENTRIES, &what)),
        "VM %u is valid, but: %u at %x", vm->index, what.status, what.address);
}

/* Always all tables; of the contents one page of each VM, since the rest takes long. */
static void check_step(void) {
  unsigned page = random_below(small_page_count);
  console_flush();
  for (unsigned i = 0; i < SMALL_VMS; i++) {
    if (vms[i].run_state != VMI_VM_EMPTY) {
      model_check_tables(&vms[i]);
      model_check_sums(&vms[i], page);
      check_valid(&vms[i], small_pages[page].va / VMI_WINDOW_SIZE);
      model_check_output(&vms[i]);
      model_compare_page(&vms[i], page);
      model_compare_checkpoint(&vms[i], page);
    }
  }
}

static void run_sequence(uint32_t seed) {
  random_start(seed);
  small_configure(small_choosers[seed % 4u], seed / 4u % 4u, seed / 16u % 4u, seed / 64u % (GENERATIONS_MAX + 1u),
                  seed % 5u == 0, seed % 7u != 0);
  small_power_on();
  for (unsigned step = 0; step < STEPS; step++) {
    random_step(step);
    check_step();
  }
  check_everything();
  small_power_off();
}

/* R19..R21, R26..R30, D4, D6, invariants 1 and 4: thousands of sequences, all policies, periods 1..3 and on request (R24). */
static void test_random_operations(void **state) {
  uint32_t seed = setting("RECOVERY_SEED", 1);
  uint32_t sequences = setting("RECOVERY_SEQUENCES", SEQUENCES);
  (void)state;
  model_totals = (struct model_totals){0};
  print_message("seeds %u..%u\n", seed, seed + sequences - 1u);
  for (uint32_t i = 0; i < sequences; i++) {
    run_sequence(seed + i);
  }
  const struct model_totals *t = &model_totals;
  print_message(
      "checkpoints: %u of tasks (%u renewed), %u of VMs; rollbacks: %u of tasks, %u of VMs; %u loads, %u warm\n",
      t->task_checkpoints, t->refreshed, t->vm_checkpoints, t->task_rollbacks, t->vm_rollbacks, t->loads,
      t->warm_loads);
  print_message("generations: %u promotions, %u rollbacks to an older one; %u safe points\n", t->promotions,
                t->older_rollbacks, t->safe_points);
  print_message("backups damaged: %u\n", t->flips);
  print_message("held output: %u bytes dropped, %u writes refused; %u bells heard\n", t->dropped, t->refused, t->bells);
  if (sequences == SEQUENCES) {
    assert_true(t->task_checkpoints > 1000 && t->refreshed > 100 && t->vm_checkpoints > 1000);
    assert_true(t->dropped > 10000 && t->refused > 50 && t->bells > 100);
    assert_true(t->task_rollbacks > 1000 && t->vm_rollbacks > 1000 && t->loads > 3 * SEQUENCES);
    assert_true(t->warm_loads > 100 && t->flips > 10000);
    assert_true(t->promotions > 1000 && t->older_rollbacks > 500 && t->safe_points > 500);
  }
}

/* Frames and lists, but for which frame of a page is the active one. */
struct footprint {
  uint32_t memory_next;
  uint32_t dirty;
  uint32_t shared_open;
  uint32_t task_dirty[SMALL_TASKS];
};

static struct footprint footprint_of(const struct vm *vm) {
  struct footprint f = {.memory_next = vm->memory_next, .dirty = vm->dirty.count, .shared_open = vm->shared_open.count};
  for (unsigned task = 0; task < SMALL_TASKS; task++) {
    f.task_dirty[task] = vm->task_dirty[task].count;
  }
  return f;
}

/* 1,000 rollbacks in a row, of the task, then of the VM: no frame and no list entry is lost or gained (R28..R30). */
static void rollbacks_in_a_row(policy_chooser choose) {
  struct footprint after_task = {0};
  struct footprint after_vm = {0};
  struct vmi_fault record = {0};
  small_configure(choose, 1, 1, 0, false, true);
  small_power_on();
  guest_start_tasks();
  for (unsigned i = 0; i < ROLLBACKS; i++) {
    guest_dirty_own_pages(i);
    recovery_rollback_task(&vms[1], 0, &record);
    model_check_tables(&vms[1]);
    struct footprint now = footprint_of(&vms[1]);
    assert_true(i == 0 || memcmp(&now, &after_task, sizeof now) == 0);
    after_task = now;
    guest_resume();
  }
  for (unsigned i = 0; i < ROLLBACKS; i++) {
    assert_int_equal(recovery_checkpoint(&vms[1]), VMI_OK);
    guest_resume();
    guest_dirty_own_pages(i);
    recovery_rollback_vm(&vms[1], &record);
    model_check_tables(&vms[1]);
    struct footprint now = footprint_of(&vms[1]);
    assert_true(i == 0 || memcmp(&now, &after_vm, sizeof now) == 0);
    after_vm = now;
    guest_resume();
  }
  check_everything();
  small_power_off();
}

static void test_thousand_rollbacks(void **state) {
  (void)state;
  for (unsigned i = 0; i < SMALL_CHOOSERS; i++) {
    random_start(i);
    rollbacks_in_a_row(small_choosers[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_random_operations),
      cmocka_unit_test(test_thousand_rollbacks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
