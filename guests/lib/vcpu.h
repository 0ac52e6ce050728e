/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU page as seen by a guest kernel: masking and taking virtual interrupts without a trap.
 * Words that the VMM also writes (irq_pending, ticks) are changed with LDREX/STREX: the VMM clears the
 * exclusive monitor on every return to the guest, so an update that it interrupted is repeated.
 */
#ifndef LIB_VCPU_H
#define LIB_VCPU_H

#include <stdint.h>

#include "vmi_calls.h"

static inline volatile struct vmi_vcpu *vcpu_page(void) {
  return (volatile struct vmi_vcpu *)VMI_VCPU_PAGE;
}

static inline const struct vmi_info *vmi_info_page(void) {
  return (const struct vmi_info *)VMI_INFO_PAGE;
}

static inline uint32_t vcpu_load_exclusive(volatile uint32_t *word) {
  uint32_t value;

  __asm__ volatile("ldrex %0, [%1]" : "=r"(value) : "r"(word) : "memory");
  return value;
}

/* Returns 0 when the word was written, 1 when somebody interrupted since the load. */
static inline uint32_t vcpu_store_exclusive(volatile uint32_t *word, uint32_t value) {
  uint32_t failed;

  __asm__ volatile("strex %0, %1, [%2]" : "=&r"(failed) : "r"(value), "r"(word) : "memory");
  return failed;
}

static inline void vcpu_enable(uint32_t lines) {
  vcpu_page()->irq_enabled |= lines;
}

/* A sign of life for the watchdog of a VM that is never idle; without a trap. */
static inline void vcpu_kick(void) {
  (*(volatile uint32_t *)(VMI_VCPU_PAGE + VMI_VCPU_KICK))++;
}

static inline void vcpu_mask(void) {
  vcpu_page()->irq_masked = 1;
  __asm__ volatile("" ::: "memory");
}

/* What became pending while masked is delivered before this returns. */
static inline void vcpu_unmask(void) {
  volatile struct vmi_vcpu *vcpu = vcpu_page();

  __asm__ volatile("" ::: "memory");
  vcpu->irq_masked = 0;
  if ((vcpu->irq_pending & vcpu->irq_enabled) != 0) {
    (void)vmi_irq_poll();
  }
}

/* Clears the enabled ones among `lines` from irq_pending and returns those that were pending. */
static inline uint32_t vcpu_take_irqs(uint32_t lines) {
  volatile struct vmi_vcpu *vcpu = vcpu_page();
  uint32_t pending;
  uint32_t taken;

  do {
    pending = vcpu_load_exclusive(&vcpu->irq_pending);
    taken = pending & vcpu->irq_enabled & lines;
  } while (vcpu_store_exclusive(&vcpu->irq_pending, pending & ~taken) != 0);
  return taken;
}

/* Takes all ended timer periods and returns their number. */
static inline uint32_t vcpu_take_ticks(void) {
  volatile struct vmi_vcpu *vcpu = vcpu_page();
  uint32_t ticks;

  do {
    ticks = vcpu_load_exclusive(&vcpu->ticks);
  } while (vcpu_store_exclusive(&vcpu->ticks, 0) != 0);
  return ticks;
}

#endif
