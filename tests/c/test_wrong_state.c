// SPDX-License-Identifier: Apache-2.0
// like: test_recovery.c
/*
 * D7: a state in which objects of the guest kernel are wrong becomes no checkpoint: the VM goes back to the one before.
 *
 * Seen to fail with: no check when the VM is left, or when VM0 asks for a checkpoint; a fault of a VM that was paused; a kernel
 * at work taken for a broken one, or never looked at again; a checkpoint of a VM that was destroyed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arch/armv7/mmu.h"
#include "core/fault_log.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "core/vm_memory.h"
#include "guest.h"
#include "guest_random.h"
#include "machine.h"
#include "model.h"

#define TABLE (VMI_KERNEL_BASE + 0x800u) /* in the kernel's text */
#define OBJECT (VMI_KERNEL_BASE + PAGE_SIZE)
#define GOOD 7u
#define WRONG 8u

/* The model takes a checkpoint whenever one is due; here none may be taken. */
int32_t __real_recovery_checkpoint(struct vm *vm);
void __real_switch_from_vm(void);
void __real_switch_slice_ended(struct vm *vm);

static uint32_t *frame_of(const uint32_t *l1, uint32_t va) {
  return (uint32_t *)(uintptr_t)(pte_frame(*vm_entry(l1, va)) + va % PAGE_SIZE);
}

/* VM 1 has a table of one object, and the checkpoint that it may have to go back to; its first task runs. */
static struct vm *power_on(unsigned policy) {
  struct vm *vm = &vms[1];
  random_start(1);
  small_configure(small_choosers[policy], 1, 1, 0, false, true);
  small_power_on();
  guest_start_tasks();
  guest_svc(SMALL_CALL, 0, 0, 0, 0);
  assert_true(guest_store(OBJECT, GOOD));
  *(struct vmi_object *)(void *)frame_of(vm->active_pt, TABLE) = (struct vmi_object){
      .address = OBJECT, .kind = VMI_OBJECT_RANGE, .width = 4, .count = 1, .min = GOOD, .max = GOOD};
  assert_int_equal(guest_svc(VMI_OBJECT, TABLE, 1, 0, 0), VMI_OK);
  guest_svc(VMI_TASK_RETURN, 0, 0, 0, 0);
  assert_int_equal(recovery_checkpoint(vm), VMI_OK);
  guest_resume();
  return vm;
}

/* The kernel does it in a call of its task, and is done. */
static void damage(void) {
  guest_svc(SMALL_CALL, 0, 0, 0, 0);
  assert_true(guest_store(OBJECT, WRONG));
  guest_svc(VMI_TASK_RETURN, 0, 0, 0, 0);
  assert_false(vm_in_kernel(current_vm));
}

static void leave(struct context *frame) {
  (void)frame;
  __real_switch_from_vm();
  assert_null(current_vm);
  scheduler.changed = 1;
  sched_resume();
}

static void end_slice(struct context *frame) {
  (void)frame;
  __real_switch_slice_ended(current_vm);
  sched_resume();
}

/* One fault, of the kernel, and what the object was at the checkpoint. */
static void check_went_back(const struct vm *vm, uint32_t records, uint32_t rollbacks) {
  struct vmi_fault fault;
  assert_int_equal(fault_log.next_sequence, records + 1u);
  assert_int_equal(fault_log_read(records, &fault), VMI_OK);
  assert_int_equal(fault.vm, 1);
  assert_int_equal(fault.task, VMI_TASK_KERNEL);
  assert_int_equal(fault.class, VMI_CLASS_OBJECT);
  assert_int_equal(fault.address, OBJECT);
  assert_int_equal(fault.action, VMI_ACTION_VM_ROLLBACK);
  assert_int_equal(vm->counters.vm_rollbacks, rollbacks + 1u);
  assert_int_equal(*frame_of(vm->active_pt, OBJECT), GOOD);
}

/* Also with pages that are copied at each checkpoint, and at the end of a slice after which the VM goes on. */
static void test_wrong_when_left(void **state) {
  static void (*const ways[])(struct context *frame) = {leave, end_slice};
  (void)state;
  for (unsigned i = 0; i < 2u * SMALL_CHOOSERS; i++) {
    struct vm *vm = power_on(i / 2u);
    uint32_t records = fault_log.next_sequence;
    uint32_t rollbacks = vm->counters.vm_rollbacks;
    guest_exception(ways[i % 2u]);
    assert_int_equal(fault_log.next_sequence, records);
    while (current_vm != vm) {
      guest_tick();
    }
    damage();
    guest_exception(ways[i % 2u]);
    check_went_back(vm, records, rollbacks);
    small_power_off();
  }
}

static void pause_and_leave(struct context *frame) {
  assert_int_equal(vm_pause(&vms[1]), VMI_OK);
  leave(frame);
}

/* It was stopped in this state: no checkpoint, nor a fault before it goes on. */
static void test_wrong_when_paused(void **state) {
  (void)state;
  struct vm *vm = power_on(0);
  uint32_t records = fault_log.next_sequence;
  uint32_t rollbacks = vm->counters.vm_rollbacks;
  damage();
  guest_exception(pause_and_leave);
  assert_int_equal(*frame_of(vm->backup_pt, OBJECT), GOOD);
  assert_int_equal(__real_recovery_checkpoint(vm), VMI_ESTATE);
  assert_int_equal(*frame_of(vm->backup_pt, OBJECT), GOOD);
  assert_int_equal(*frame_of(vm->active_pt, OBJECT), WRONG);
  assert_int_equal(fault_log.next_sequence, records);
  assert_int_equal(vm_resume(vm), VMI_OK);
  while (current_vm != vm) {
    guest_tick();
  }
  guest_exception(leave);
  check_went_back(vm, records, rollbacks);
  small_power_off();
}

/* In the middle of its work a kernel may have anything: that is saved, and looked at when it is done. */
static void test_kernel_at_work(void **state) {
  (void)state;
  struct vm *vm = power_on(0);
  uint32_t records = fault_log.next_sequence;
  guest_svc(SMALL_CALL, 0, 0, 0, 0);
  assert_true(guest_store(OBJECT, WRONG));
  assert_int_equal(recovery_checkpoint(vm), VMI_OK);
  assert_int_equal(*frame_of(vm->backup_pt, OBJECT), WRONG);
  assert_true(vm->unchecked);
  guest_resume();
  assert_true(guest_store(OBJECT, GOOD));
  guest_svc(VMI_TASK_RETURN, 0, 0, 0, 0);
  assert_int_equal(recovery_checkpoint(vm), VMI_OK);
  assert_false(vm->unchecked);
  assert_int_equal(*frame_of(vm->backup_pt, OBJECT), GOOD);
  assert_int_equal(fault_log.next_sequence, records);
  small_power_off();
}

static void destroy_and_leave(struct context *frame) {
  assert_int_equal(vm_destroy(&vms[1]), VMI_OK);
  leave(frame);
}

/* Its memory may be another VM's, or a new image's, by the next time. */
static void test_no_checkpoint_without_an_image(void **state) {
  (void)state;
  struct vm *vm = power_on(0);
  guest_dirty_own_pages(1);
  uint32_t dirty = vm->dirty.count;
  assert_int_not_equal(dirty, 0);
  guest_exception(destroy_and_leave);
  assert_int_equal(vm->dirty.count, dirty);
  assert_int_equal(__real_recovery_checkpoint(vm), VMI_ESTATE);
  assert_int_equal(vm->dirty.count, dirty);
  small_power_off();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_wrong_when_left),
      cmocka_unit_test(test_wrong_when_paused),
      cmocka_unit_test(test_kernel_at_work),
      cmocka_unit_test(test_no_checkpoint_without_an_image),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
