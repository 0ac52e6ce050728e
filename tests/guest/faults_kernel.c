/* SPDX-License-Identifier: Apache-2.0 */
/*
 * R25..R33, invariant 1: the kernel provokes every kind of fault after a checkpoint of its VM (taken when it yields to the
 * bystander VM), then starts the victim task, which does the same after checkpoints of its own.
 */
#include "faults.h"
#include "lib/guest.h"
#include "lib/vcpu.h"
#include "raw_tasks.h"
#include "report.h"

static uint32_t partner_calls;
static struct report others = {"task.others_untouched", 0, 0};

static _Noreturn void checkpoint_victim(void) {
  (void)vmi_task_result(TASK_VICTIM, 0, vmi_info_page()->recoveries & 1);
  (void)vmi_task_suspend(TASK_VICTIM);
  (void)vmi_task_resume(TASK_PARTNER);
  guest_dispatch();
}

/* Partner and kernel count the same event; a rollback of the victim alone changes neither. */
static _Noreturn void back_to_victim(uint32_t calls) {
  report_equal(&others, "count of the partner", calls, ++partner_calls);
  (void)vmi_task_suspend(TASK_PARTNER);
  (void)vmi_task_resume(TASK_VICTIM);
  guest_dispatch();
}

uint32_t guest_call(uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t number) {
  (void)a1;
  (void)a2;
  (void)a3;
  switch (number) {
    case CALL_CHECKPOINT:
      checkpoint_victim();
    case CALL_BACK:
      back_to_victim(a0);
    case CALL_FINISHED:
      report_end(&others);
      report_done();
      (void)vmi_task_suspend(TASK_VICTIM);
      guest_dispatch();
    default:
      return (uint32_t)VMI_ENOCALL;
  }
}

void guest_main(const struct vmi_info *info) {
  uint32_t random = info->vm + 4711;

  for (uint32_t i = 0; i < fault_kind_count; i++) {
    if (fault_kinds[i].in_kernel && !faults_leave_vm()) {
      fault_test("kernel", &fault_kinds[i], VMI_YIELD, &random);
    }
  }
  (void)raw_task_start(TASK_VICTIM);
  (void)raw_task_create(TASK_PARTNER);
}
