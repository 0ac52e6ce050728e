// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/manage.c vmm-c/core/health.c vmm-c/core/ready.c tests/c/fakes/consoles.c
// include: tests/c/fakes
// flags: -no-pie -fno-pie
/* R3, R4, invariant 2: management calls check every argument first, and a refused call has changed nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "board.h"
#include "consoles.h"
#include "core/black_box.h"
#include "core/console.h"
#include "core/fault.h"
#include "core/fault_log.h"
#include "core/guest_access.h"
#include "core/manage.h"
#include "core/print.h"
#include "core/recovery.h"
#include "core/standby.h"

#define GUEST_OK 0x100u /* the only address at which the simulated caller may write */

static const char *const task_names[] = {"first", "a name of more than 15"};
static const struct guest_config console_guest = {.name = "vm0"};
static const struct guest_config two_tasks = {.name = "pair", .task_names = task_names, .task_count = 2};
const struct guest_config *const config_guests[] = {&console_guest, &two_tasks};
const uint32_t config_guest_count = 2;
const struct vm_config config_vms[] = {
    {.name = "vm0", .guest = &console_guest, .management = true},
    {.name = "guest1", .guest = &two_tasks, .priority = 9, .fault_tolerant = true, .output_commit = true},
};
const uint32_t config_vm_count = 2;
static const struct vm_config partition = {.memory_base = 0x1000, .memory_size = 0x9000}; /* of another VM */
const uint32_t recovery_frames = 3;
struct vm vms[VM_MAX];
struct scheduler scheduler;
struct fault_log fault_log;

static struct vmi_vcpu vcpu = {.current_task = 1};
static union {
  struct vmi_vm_info vm;
  struct vmi_guest_info guest;
  struct vmi_task_info task;
  struct vmi_fault fault;
  struct vmi_vm_words words;
  struct vmi_policy policy;
  struct vmi_policy_change change;
  char text[1024];
} memory;
static unsigned changes; /* calls of anything that changes the system */
static struct vm *changed_vm;
static const struct guest_config *created_guest;
static uint32_t rolled_back_task;
static uint32_t watch_mask;

static int32_t record_change(struct vm *vm) {
  changes++;
  changed_vm = vm;
  return VMI_OK;
}

int32_t vm_create(struct vm *vm, const struct guest_config *guest) {
  created_guest = guest;
  return record_change(vm);
}

#define RECORDED(name)          \
  int32_t name(struct vm *vm) { \
    return record_change(vm);   \
  }
RECORDED(vm_start)
RECORDED(vm_stop)
RECORDED(vm_pause)
RECORDED(vm_resume)
RECORDED(vm_destroy)
RECORDED(recovery_checkpoint)

int32_t fault_request_take_over(struct vm *vm) {
  return record_change(vm);
}

void standby_describe(const struct vm *vm, struct vmi_pair *info) {
  assert_ptr_equal(vm, vm_numbered(1));
  info->standby = 5;
}

int32_t fault_request_rollback(struct vm *vm, uint32_t task) {
  rolled_back_task = task;
  return record_change(vm);
}

uint32_t vm_memory_needed(const struct vm_config *config, const struct guest_config *guest) {
  return config->fault_tolerant ? 0x4000 + guest->task_count : 0;
}

bool guest_may_write(struct vm *vm, uint32_t va, uint32_t n) {
  assert_ptr_equal(vm, &vms[0]);
  return va == GUEST_OK && n <= sizeof(memory);
}

bool guest_write(struct vm *vm, uint32_t va, const void *src, uint32_t n) {
  if (!guest_may_write(vm, va, n)) {
    return false;
  }
  memcpy(&memory, src, n);
  return true;
}

bool guest_read(struct vm *vm, void *dst, uint32_t va, uint32_t n) {
  if (!guest_may_write(vm, va, n)) {
    return false;
  }
  memcpy(dst, &memory, n);
  return true;
}

int fault_log_read(uint32_t sequence, struct vmi_fault *out) {
  *out = (struct vmi_fault){.sequence = sequence, .pc = 0x44};
  return sequence == 1 ? VMI_ENOENT : sequence == 2 ? VMI_OK : VMI_EAGAIN;
}

void black_box_describe(struct vmi_black_box *info) {
  *info = (struct vmi_black_box){.life = 3, .first = 5};
}

bool black_box_words(uint32_t nth, struct vmi_last_words *out) {
  *out = (struct vmi_last_words){.number = 7};
  return nth == 0;
}

void console_watch(uint32_t mask) {
  changes++;
  watch_mask = mask;
}

void print(const char *fmt, ...) {
  (void)fmt;
}

_Noreturn void board_power_off(void) {
  assert_true(flushed);
  mock_assert(0, "power off", __FILE__, __LINE__);
  __builtin_unreachable();
}

typedef int32_t (*handler)(struct vm *vm, struct context *frame);

static struct context frame;

static int32_t call(handler function, uint32_t r0, uint32_t r1, uint32_t r2, uint32_t r3) {
  frame = (struct context){.r = {r0, r1, r2, r3}};
  return function(&vms[0], &frame);
}

static int fresh(void **state) {
  (void)state;
  memset(vms, 0, sizeof(vms));
  memset(&memory, 0xee, sizeof(memory));
  for (unsigned i = 0; i < 2; i++) {
    vms[i].index = (uint8_t)i;
    vms[i].config = &config_vms[i];
    vms[i].partition = &partition;
    scheduler.vms[i] = &vms[i];
    vms[i].guest = config_vms[i].guest;
  }
  vms[0].run_state = VMI_VM_RUNNING;
  vms[0].vcpu = &vcpu;
  changes = 0;
  changed_vm = NULL;
  return 0;
}

static void make_running(void) {
  vms[1].run_state = VMI_VM_RUNNING;
  vms[1].vcpu = &vcpu;
  vms[1].memory_next = 0x6000;
  vms[1].counters.task_rollbacks = 7;
  vms[1].counters.ticks_lost = 90;
  ready_add(&vms[1].tasks, 1, 30);
  ready_set(&vms[1].tasks, 1);
  vms[1].threads[1].frames[2].pc = 0x400010;
  vms[1].threads[1].frame = context_image(&vms[1].threads[1].frames[2]);
  vms[1].threads[1].rollbacks = 3;
}

static void test_unknown_vms_are_refused(void **state) {
  (void)state;
  static const handler all[] = {manage_vm_info,     manage_task_info,     manage_vm_create, manage_vm_start,
                                manage_vm_stop,     manage_vm_pause,      manage_vm_resume, manage_vm_destroy,
                                manage_vm_rollback, manage_vm_checkpoint, manage_vm_log,    manage_vm_take_over,
                                manage_vm_words};
  static const uint32_t numbers[] = {2, 16, 17, 0x7fffffff, 0x80000000, 0xffffffff};
  for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
    for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++) {
      assert_int_equal(call(all[i], numbers[k], 0, GUEST_OK, 0), VMI_ENOENT);
    }
  }
  assert_int_equal(changes, 0);
}

static void test_vm0_cannot_be_taken_away(void **state) {
  (void)state;
  assert_int_equal(call(manage_vm_stop, 0, 0, 0, 0), VMI_EPERM);
  assert_int_equal(call(manage_vm_pause, 0, 0, 0, 0), VMI_EPERM);
  assert_int_equal(call(manage_vm_destroy, 0, 0, 0, 0), VMI_EPERM);
  assert_int_equal(changes, 0);
}

static void test_life_cycle_reaches_the_vm(void **state) {
  (void)state;
  static const handler all[] = {manage_vm_start, manage_vm_stop, manage_vm_pause, manage_vm_resume, manage_vm_destroy};
  for (unsigned i = 0; i < 5; i++) {
    assert_int_equal(call(all[i], 1, 0, 0, 0), VMI_OK);
    assert_int_equal(changes, i + 1);
    assert_ptr_equal(changed_vm, &vms[1]);
  }
}

static void test_create_with_a_guest(void **state) {
  (void)state;
  assert_int_equal(call(manage_vm_create, 1, 2, 0, 0), VMI_ENOENT);
  assert_int_equal(call(manage_vm_create, 1, 0xfffffffe, 0, 0), VMI_ENOENT);
  assert_int_equal(changes, 0);
  assert_int_equal(call(manage_vm_create, 1, 0, 0, 0), VMI_OK);
  assert_ptr_equal(created_guest, &console_guest);
  assert_int_equal(call(manage_vm_create, 1, MANAGE_GUEST_CONFIGURED, 0, 0), VMI_OK);
  assert_ptr_equal(created_guest, &two_tasks);
}

static void test_checkpoint_and_rollback_need_a_living_vm(void **state) {
  (void)state;
  static const uint8_t dead[] = {VMI_VM_EMPTY, VMI_VM_CREATED, VMI_VM_STOPPED, VMI_VM_STANDBY};
  for (size_t i = 0; i < sizeof(dead); i++) {
    vms[1].run_state = dead[i];
    assert_int_equal(call(manage_vm_checkpoint, 1, 0, 0, 0), VMI_ESTATE);
    assert_int_equal(call(manage_vm_rollback, 1, VMI_TASK_KERNEL, 0, 0), VMI_ESTATE);
  }
  assert_int_equal(changes, 0);
  vms[1].run_state = VMI_VM_PAUSED;
  assert_int_equal(call(manage_vm_checkpoint, 1, 0, 0, 0), VMI_OK);
  assert_int_equal(call(manage_vm_rollback, 1, 1, 0, 0), VMI_OK);
  assert_int_equal(rolled_back_task, 1);
  assert_int_equal(changes, 2);
}

static void test_vm_info(void **state) {
  (void)state;
  assert_int_equal(call(manage_vm_info, 1, GUEST_OK + 4, 0, 0), VMI_EFAULT);
  assert_int_equal(call(manage_vm_info, 1, GUEST_OK, 0, 0), VMI_OK); /* empty: has no vCPU yet */
  assert_int_equal(memory.vm.state, VMI_VM_EMPTY);
  assert_int_equal(memory.vm.memory_used, 0);
  make_running();
  assert_int_equal(call(manage_vm_info, 1, GUEST_OK, 0, 0), VMI_OK);
  assert_string_equal(memory.vm.name, "guest1");
  assert_string_equal(memory.vm.guest, "pair");
  assert_int_equal(memory.vm.state, VMI_VM_RUNNING);
  assert_int_equal(memory.vm.priority, 9);
  assert_int_equal(memory.vm.current_task, 1);
  assert_int_equal(memory.vm.fault_tolerant, 1);
  assert_int_equal(memory.vm.task_rollbacks, 7);
  assert_int_equal(memory.vm.memory_used, 0x5000);
  assert_int_equal(memory.vm.memory_size, 0x9000);
  assert_int_equal(memory.vm.pair.standby, 5);
  assert_int_equal(memory.vm.output_commit, 1);
  assert_int_equal(memory.vm.output_held, 71);
  assert_int_equal(memory.vm.input_lost, 81);
  assert_int_equal(memory.vm.ticks_lost, 90);
}

static void test_guest_info(void **state) {
  (void)state;
  assert_int_equal(call(manage_guest_info, 2, GUEST_OK, 0, 0), VMI_ENOENT);
  assert_int_equal(call(manage_guest_info, 1, 0, 0, 0), VMI_EFAULT);
  assert_int_equal(call(manage_guest_info, 1, GUEST_OK, 0, 0), VMI_OK);
  assert_string_equal(memory.guest.name, "pair");
  assert_int_equal(memory.guest.task_count, 2);
  assert_int_equal(memory.guest.memory_needed, 0x4002);
}

static void test_task_info(void **state) {
  (void)state;
  assert_int_equal(call(manage_task_info, 1, 2, GUEST_OK, 0), VMI_ENOENT);
  assert_int_equal(call(manage_task_info, 1, 0xffffffff, GUEST_OK, 0), VMI_ENOENT);
  assert_int_equal(call(manage_task_info, 1, 1, 0, 0), VMI_EFAULT);
  make_running();
  assert_int_equal(call(manage_task_info, 1, 0, GUEST_OK, 0), VMI_OK);
  assert_int_equal(memory.task.exists, 0);
  assert_int_equal(call(manage_task_info, 1, 1, GUEST_OK, 0), VMI_OK);
  assert_string_equal(memory.task.name, "a name of more ");
  assert_int_equal(memory.task.exists, 1);
  assert_int_equal(memory.task.ready, 1);
  assert_int_equal(memory.task.priority, 30);
  assert_int_equal(memory.task.pc, 0x400010);
  assert_int_equal(memory.task.rollbacks, 3);
  vms[1].run_state = VMI_VM_EMPTY; /* what a destroyed VM left behind is not shown */
  assert_int_equal(call(manage_task_info, 1, 1, GUEST_OK, 0), VMI_OK);
  assert_int_equal(memory.task.exists, 0);
}

static void test_black_box(void **state) {
  (void)state;
  assert_int_equal(call(manage_black_box, 0, 4, 0, 0), VMI_EFAULT);
  assert_int_equal(call(manage_black_box, 0, GUEST_OK, 0, 0), VMI_OK);
  assert_int_equal(call(manage_black_box, 1, 4, 0, 0), VMI_EFAULT);
  assert_int_equal(call(manage_black_box, 1, GUEST_OK, 0, 0), VMI_OK);
  assert_int_equal(call(manage_black_box, 2, GUEST_OK, 0, 0), VMI_ENOENT);
}

static void test_fault_read(void **state) {
  (void)state;
  assert_int_equal(call(manage_fault_read, 1, GUEST_OK, 0, 0), VMI_ENOENT);
  assert_int_equal(call(manage_fault_read, 3, GUEST_OK, 0, 0), VMI_EAGAIN);
  assert_int_equal(call(manage_fault_read, 2, 4, 0, 0), VMI_EFAULT);
  assert_int_equal(call(manage_fault_read, 2, GUEST_OK, 0, 0), VMI_OK);
  assert_int_equal(memory.fault.pc, 0x44);
}

static void test_policy(void **state) {
  (void)state;
  memory.change = (struct vmi_policy_change){
      .what = VMI_POLICY_ON, .task = 1, .class = VMI_CLASS_PANIC, .action = VMI_ACTION_SUSPEND};
  assert_int_equal(call(manage_policy_set, 1, 4, 0, 0), VMI_EFAULT);
  assert_int_equal(call(manage_policy_set, 1, GUEST_OK, 0, 0), VMI_OK);
  assert_int_equal(vms[1].health.on[1][VMI_CLASS_PANIC], VMI_ACTION_SUSPEND);
  memory.change.action = VMI_ACTION_COUNT;
  assert_int_equal(call(manage_policy_set, 1, GUEST_OK, 0, 0), VMI_EINVAL);
  assert_int_equal(call(manage_policy_set, 2, GUEST_OK, 0, 0), VMI_ENOENT);
  assert_int_equal(call(manage_policy_read, 2, GUEST_OK, 0, 0), VMI_ENOENT);
  assert_int_equal(call(manage_policy_read, 1, 4, 0, 0), VMI_EFAULT);
  assert_int_equal(call(manage_policy_read, 1, GUEST_OK, 0, 0), VMI_OK);
  assert_int_equal(memory.policy.on[1][VMI_CLASS_PANIC], VMI_ACTION_SUSPEND);
}

static void test_vm_log(void **state) {
  (void)state;
  assert_int_equal(call(manage_vm_log, 1, 1000, 0, 10), VMI_EFAULT);
  assert_int_equal(call(manage_vm_log, 1, 1000, GUEST_OK, 10), 10);
  assert_int_equal(frame.r[1], 1000); /* changed only as a result */
  assert_int_equal(call(manage_vm_log, 1, 1000, GUEST_OK, 0xffffffff), MANAGE_LOG_MAX);
  assert_int_equal(memory.text[MANAGE_LOG_MAX - 1], 'x');
  assert_int_not_equal(memory.text[MANAGE_LOG_MAX], 'x');
  assert_int_equal(call(manage_vm_log, 1, 5, GUEST_OK, 10), VMI_ENOENT);
  assert_int_equal(frame.r[1], 1000);
}

/* D9: what was dropped with a fault can be read. */
static void test_vm_words(void **state) {
  (void)state;
  vm_words = (struct vmi_vm_words){.length = 0};
  assert_int_equal(call(manage_vm_words, 2, GUEST_OK, 0, 0), VMI_ENOENT);
  assert_int_equal(call(manage_vm_words, 1, GUEST_OK, 0, 0), VMI_EAGAIN);
  vm_words = (struct vmi_vm_words){.fault = 12, .length = 2, .text = "ab"};
  assert_int_equal(call(manage_vm_words, 1, GUEST_OK + 4, 0, 0), VMI_EFAULT);
  assert_int_equal(call(manage_vm_words, 1, GUEST_OK, 0, 0), VMI_OK);
  assert_int_equal(memory.words.fault, 12);
  assert_string_equal(memory.words.text, "ab");
}

static void test_watch(void **state) {
  (void)state;
  assert_int_equal(call(manage_watch, 4, 0, 0, 0), VMI_EINVAL);
  assert_int_equal(call(manage_watch, 0xffffffff, 0, 0, 0), VMI_EINVAL);
  assert_int_equal(changes, 0);
  assert_int_equal(call(manage_watch, 3, 0, 0, 0), VMI_OK);
  assert_int_equal(watch_mask, 3);
}

static void test_halt(void **state) {
  (void)state;
  expect_assert_failure(call(manage_halt, 0, 0, 0, 0));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup(test_unknown_vms_are_refused, fresh),
      cmocka_unit_test_setup(test_vm0_cannot_be_taken_away, fresh),
      cmocka_unit_test_setup(test_life_cycle_reaches_the_vm, fresh),
      cmocka_unit_test_setup(test_create_with_a_guest, fresh),
      cmocka_unit_test_setup(test_checkpoint_and_rollback_need_a_living_vm, fresh),
      cmocka_unit_test_setup(test_vm_info, fresh),
      cmocka_unit_test_setup(test_guest_info, fresh),
      cmocka_unit_test_setup(test_task_info, fresh),
      cmocka_unit_test_setup(test_fault_read, fresh),
      cmocka_unit_test_setup(test_policy, fresh),
      cmocka_unit_test_setup(test_black_box, fresh),
      cmocka_unit_test_setup(test_vm_log, fresh),
      cmocka_unit_test_setup(test_vm_words, fresh),
      cmocka_unit_test_setup(test_watch, fresh),
      cmocka_unit_test_setup(test_halt, fresh),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
