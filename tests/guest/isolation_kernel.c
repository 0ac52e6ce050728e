/* SPDX-License-Identifier: Apache-2.0 */
/* R5, R9: what the guest kernel can touch; then the kernel that the prober task needs. */
#include "isolation.h"
#include "lib/guest.h"
#include "lib/vcpu.h"
#include "raw_tasks.h"

static enum access expected_of_kernel(uint32_t address) {
  uint32_t offset = address % VMI_WINDOW_SIZE;

  if (address == VMI_VCPU_PAGE || address == VMI_VCPU_PAGE + 0xffc) {
    return ACCESS_WRITE;
  }
  if (address == VMI_INFO_PAGE || address == VMI_INFO_PAGE + 0xffc || address == VMI_KERNEL_BASE + 0x20) {
    return ACCESS_READ;
  }
  if (offset == 0 && address >= VMI_KERNEL_BASE && address < VMI_TASK_BASE + TASK_COUNT * VMI_WINDOW_SIZE) {
    return ACCESS_READ; /* each begins with text */
  }
  return ACCESS_NONE;
}

/* The bystander has the same priority: the yield switches VMs, which takes the checkpoint. */
static int32_t checkpoint_of_vm(void) {
  return vmi_yield();
}

static _Noreturn void alternate(uint32_t from, uint32_t to) {
  (void)vmi_task_result(from, VMI_OK, 0);
  (void)vmi_task_suspend(from);
  (void)vmi_task_resume(to);
  guest_dispatch();
}

uint32_t guest_call(uint32_t a0, uint32_t a1, uint32_t a2, uint32_t a3, uint32_t number) {
  (void)a0;
  (void)a1;
  (void)a2;
  (void)a3;
  switch (number) {
    case CALL_CHECKPOINT:
      alternate(TASK_PROBER, TASK_NEIGHBOUR);
    case CALL_BACK:
      alternate(TASK_NEIGHBOUR, TASK_PROBER);
    case CALL_FINISHED:
      report_done();
      (void)vmi_task_suspend(TASK_PROBER);
      guest_dispatch();
    default:
      return (uint32_t)VMI_ENOCALL;
  }
}

static void test_stacks_of_tasks(void) {
  struct report report = {"isolation.kernel_reaches_tasks", 0, 0};

  for (uint32_t task = 0; task < TASK_COUNT; task++) {
    report_equal(&report, "stack", isolation_probe(vmi_address(os_task_table[task].stack_top) - 4), ACCESS_WRITE);
    report_equal(&report, "guard page", isolation_probe(vmi_address(os_task_table[task].stack_base) - 4), ACCESS_NONE);
  }
  report_end(&report);
}

void guest_main(const struct vmi_info *info) {
  (void)info;
  isolation_checkpoint = checkpoint_of_vm;
  test_stacks_of_tasks();
  isolation_sweep("isolation.kernel", expected_of_kernel);
  (void)raw_task_start(TASK_PROBER);
  (void)raw_task_create(TASK_NEIGHBOUR);
}
