/* SPDX-License-Identifier: Apache-2.0 */
/* Life cycle of virtual machines (R3). */
#include "core/vm.h"

#include "arch/armv7/mmu.h"
#include "core/channel.h"
#include "core/console.h"
#include "core/fault.h"
#include "core/image_check.h"
#include "core/outside.h"
#include "core/preserved.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "core/standby.h"
#include "core/switch.h"
#include "core/vm_memory.h"
#include "lib/string.h"

PRESERVED struct vm vms[VM_MAX];

void vm_init(void) {
  for (uint32_t i = 0; i < config_vm_count; i++) {
    vms[i].index = (uint8_t)i;
    vms[i].config = &config_vms[i];
    vms[i].partition = &config_vms[i];
    vms[i].guest = config_vms[i].guest;
    health_init(&vms[i].health, &config_vms[i].policy, config_vms[i].checksum);
  }
}

void vm_info_fill(struct vm *vm) {
  struct vmi_info *info = vm->info;
  info->abi_version = VMI_ABI_VERSION;
  info->vm = vm->index;
  info->task_count = vm->guest->task_count;
  info->tick_us = config_tick_us;
  info->recoveries = vm->recoveries;
  info->starts = vm->starts;
  memcpy(info->name, vm->config->name, strnlen(vm->config->name, VMI_NAME_SIZE - 1u));
  channel_info(vm->index, info);
}

static void vcpu_reset(struct vm *vm) {
  vm->vcpu->irq_masked = 1;
  vm->vcpu->current_task = VMI_TASK_KERNEL;
  vm->vcpu->irq_from = VMI_TASK_KERNEL;
}

static void kernel_reset(struct vm *vm) {
  struct context *frame = thread_frame(vm->kernel);
  frame->r[0] = VMI_INFO_PAGE;
  frame->r[13] = vm->stack_top;
  frame->pc = VMI_KERNEL_BASE + VMI_VECTOR_RESET;
  frame->cpsr = PSR_USR;
  vm->state = (struct vm_state){0};
}

static void threads_reset(struct vm *vm) {
  memset(vm->threads, 0, sizeof vm->threads);
  memset(vm->vfp, 0, sizeof vm->vfp);
  for (unsigned t = 0; t < THREAD_COUNT; t++) {
    struct thread *thread = &vm->threads[t];
    thread->park = context_image(&thread->frames[0]);
    thread->frame = thread->park;
    thread->task_saved = thread->park;
    thread->dacr = t == KERNEL_THREAD ? DACR_KERNEL : DACR_TASK(t);
  }
  vm->kernel = &vm->threads[KERNEL_THREAD];
  vm->thread = vm->kernel;
  vm->owner = vm->kernel;
  vm->thread_id = 0;
  vm->unsaved = 0;
}

static void header_read(struct vm *vm) {
  uint32_t frame = pte_frame(*vm_entry(vm->active_pt, VMI_KERNEL_BASE));
  const struct vmi_header *header = (const void *)(uintptr_t)(frame + VMI_HEADER_OFFSET);
  vm->stack_top = header->stack_top;
  vm->pure_calls = reverse_bits(header->pure_calls);
}

/* Everything of the guest as after loading; counters, health and the fault log go on. */
static void image_load(struct vm *vm, enum vmi_start start) {
  if (start == VMI_START_WARM) {
    vm_persistent_settle(vm);
  }
  vm->loading = true;
  vm->tracked = recovery_protects(vm->config);
  vm_memory_build(vm, start == VMI_START_WARM);
  header_read(vm);
  threads_reset(vm);
  ready_init(&vm->tasks);
  vm->slice_left = vm->slice_ticks;
  vm->asid = vm_first_asid(vm);
  vm->ttbr0 = ttbr0_of(vm->active_pt);
  vm_info_fill(vm);
  vm->info->start = start;
  vcpu_reset(vm);
  outside_begin(vm);
  kernel_reset(vm);
  recovery_reset(vm);
  tlb_forget_space(vm->asid);
  tlb_forget_space(vm->asid ^ 1u);
  vm->loading = false;
}

static bool image_fits(struct vm *vm, const struct guest_config *guest) {
  vm->boot = (uint8_t)image_check(guest);
  return vm->boot == VMI_BOOT_NONE;
}

/* Nobody may be there to read the result of a call: autostart, and what people look for later. */
static int32_t image_refuse(struct vm *vm) {
  fault_note(vm, &(struct vmi_fault){.kind = VMI_FAULT_CHECK, .class = VMI_CLASS_BOOT, .status = vm->boot});
  return VMI_EIMAGE;
}

int32_t vm_create(struct vm *vm, const struct guest_config *guest) {
  if (vm->run_state != VMI_VM_EMPTY) {
    return VMI_ESTATE;
  }
  if (!image_fits(vm, guest)) {
    return image_refuse(vm);
  }
  if (vm_memory_needed(vm->config, guest) > vm->partition->memory_size) {
    return VMI_ENOMEM;
  }
  vm->guest = guest;
  vm->recoveries = 0;
  vm->starts = 0;
  health_reset(&vm->health);
  vm->misuse = (struct misuse){0};
  vm->last_words[0] = '\0';
  vm->counters = (struct vm_counters){0};
  vm->signs = (struct vital_signs){0};
  vm->switches = 0;
  vm->task_switches = 0;
  console_reset(vm->index);
  sched_add(vm);
  image_load(vm, VMI_START_COLD);
  vm->run_state = VMI_VM_CREATED;
  vm_channels_map(vm);
  return VMI_OK;
}

/* The image is as after loading: let it run from its reset vector. */
static void begin(struct vm *vm) {
  vm->starts++;
  vm->info->starts = vm->starts;
  vm->boot = VMI_BOOT_STARTED;
  vm->signs.periods = 0;
  vm->run_state = vm_is_standby(vm) ? VMI_VM_STANDBY : VMI_VM_RUNNING;
  sched_update(vm);
}

static int32_t restart(struct vm *vm, enum vmi_start start) {
  if (!image_fits(vm, vm->guest)) {
    return VMI_EIMAGE;
  }
  sched_timer_set(vm, 0);
  outside_drop(vm);
  image_load(vm, start);
  vm_channels_map(vm);
  if (vm == current_vm) {
    vfp_set_enabled(false);
    vm_enter(vm);
  }
  begin(vm);
  return VMI_OK;
}

int32_t vm_cold_start(struct vm *vm) {
  return restart(vm, VMI_START_COLD);
}

int32_t vm_warm_start(struct vm *vm) {
  return restart(vm, VMI_START_WARM);
}

static int32_t change_state(struct vm *vm, uint8_t from, uint8_t to) {
  if (vm->run_state != from) {
    return VMI_ESTATE;
  }
  vm->run_state = to;
  sched_update(vm);
  return VMI_OK;
}

int32_t vm_start(struct vm *vm) {
  if (vm->run_state != VMI_VM_CREATED && vm->run_state != VMI_VM_STOPPED) {
    return VMI_ESTATE;
  }
  health_reset(&vm->health);
  standby_forget(vm);
  if (vm->run_state != VMI_VM_CREATED) {
    return vm_cold_start(vm) == VMI_OK ? VMI_OK : image_refuse(vm);
  }
  begin(vm);
  return VMI_OK;
}

int32_t vm_stop(struct vm *vm) {
  if (vm->run_state != VMI_VM_RUNNING && vm->run_state != VMI_VM_PAUSED && vm->run_state != VMI_VM_STANDBY) {
    return VMI_ESTATE;
  }
  outside_end(vm);
  vm->run_state = VMI_VM_STOPPED;
  sched_timer_set(vm, 0);
  sched_update(vm);
  return VMI_OK;
}

int32_t vm_pause(struct vm *vm) {
  return change_state(vm, VMI_VM_RUNNING, VMI_VM_PAUSED);
}

int32_t vm_resume(struct vm *vm) {
  return change_state(vm, VMI_VM_PAUSED, VMI_VM_RUNNING);
}

int32_t vm_destroy(struct vm *vm) {
  if (vm->run_state == VMI_VM_EMPTY) {
    return VMI_ESTATE;
  }
  outside_end(vm);
  sched_remove(vm);
  vm->run_state = VMI_VM_EMPTY;
  vm_channels_map(vm);
  tlb_forget_space(vm->asid);
  tlb_forget_space(vm->asid ^ 1u);
  return VMI_OK;
}
