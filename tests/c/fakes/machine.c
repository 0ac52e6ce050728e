/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "machine.h"

#include <string.h>
#include <sys/mman.h>

#include "arch/armv7/fault_status.h"
#include "arch/armv7/mmu.h"
#include "board.h"
#include "core/vm.h"
#include "lib/string.h"
#include "drivers/gic.h"
#include "drivers/mmio.h"
#include "drivers/pl011.h"

#define ASIDS 64u
#define TLB_PAGES 64u
#define MIB 0x100000u
#define TICK_COUNTS (BOARD_TIMER_CLOCK_HZ / 1000u) /* of the global timer, for a tick of 1 ms */

struct translation {
  uint32_t l1; /* 0: no entry cached, or none there */
  uint32_t pte;
};

struct cpu cpu;
unsigned machine_copies;
struct stream machine_sent[BOARD_UART_COUNT];
static struct thread *running;
static struct translation tlb[ASIDS][TLB_PAGES];
static uint32_t pages[TLB_PAGES];
static unsigned page_total;
static bool tables_visible; /* a DSB since the last TLB operation */
static bool unfinished;     /* a TLB operation that no DSB and ISB has completed */
static bool tick_pending;
static char typed[BOARD_UART_COUNT][8];
static unsigned typed_count[BOARD_UART_COUNT];
static uint32_t timer_counter;

uint32_t machine_memory(uint32_t bytes) {
  void *memory = mmap(NULL, bytes + MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  CHECK(memory != MAP_FAILED, "no memory below 4 GiB");
  return ((uint32_t)(uintptr_t)memory + MIB - 1u) & ~(MIB - 1u);
}

void machine_reset(const uint32_t *addresses, unsigned count) {
  CHECK(count <= TLB_PAGES, "TLB too small");
  memset(&cpu, 0, sizeof cpu);
  memset(tlb, 0, sizeof tlb);
  memcpy(pages, addresses, count * sizeof *addresses);
  page_total = count;
  tick_pending = false;
  memset(typed_count, 0, sizeof typed_count);
  unfinished = false;
}

static struct translation walk(uint32_t va) {
  const uint32_t *l1 = (const uint32_t *)(uintptr_t)(cpu.ttbr0 & L1_TABLE_MASK);
  if (l1 == NULL || va / SECTION_SIZE >= L1_ENTRIES || !l1_valid(l1[va / SECTION_SIZE])) {
    return (struct translation){0};
  }
  uint32_t pte = l2_table(l1[va / SECTION_SIZE])[va / PAGE_SIZE % L2_ENTRIES];
  return (pte & PTE_SMALL) != 0 ? (struct translation){l1[va / SECTION_SIZE], pte} : (struct translation){0};
}

static struct translation *tlb_of(uint32_t asid) {
  CHECK(asid < ASIDS, "ASID %u out of range", asid);
  return tlb[asid];
}

/* Speculation may load any entry of the current space at any time. */
static void tlb_fill(void) {
  struct translation *entries = tlb_of(cpu.contextidr);
  for (unsigned i = 0; cpu.contextidr != ASID_RESERVED && i < page_total; i++) {
    if (entries[i].l1 == 0) {
      entries[i] = walk(pages[i]);
    }
  }
}

/* No guest may run with a translation that the tables no longer say, above all a writable one (D4, invariant 1). */
static void tlb_check(void) {
  CHECK(!unfinished, "TLB operation without DSB and ISB before the return to the guest");
  tlb_fill();
  for (unsigned i = 0; i < page_total; i++) {
    struct translation cached = tlb[cpu.contextidr][i];
    struct translation now = walk(pages[i]);
    CHECK(cached.l1 == now.l1 && cached.pte == now.pte, "stale TLB entry of %08x: %08x/%08x, tables say %08x/%08x",
          pages[i], cached.l1, cached.pte, now.l1, now.pte);
  }
}

static void tlb_operation(uint32_t asid, uint32_t va, bool one_page) {
  CHECK(tables_visible, "TLB operation without a DSB after the edit of the tables");
  for (unsigned i = 0; i < page_total; i++) {
    if (!one_page || pages[i] == va) {
      tlb_of(asid)[i] = (struct translation){0};
    }
  }
  tables_visible = false;
  unfinished = true;
  tlb_fill();
}

void tlb_invalidate_all(uint32_t ignored) {
  (void)ignored;
  memset(tlb, 0, sizeof tlb);
  unfinished = true;
}

void tlb_invalidate_mva(uint32_t va_and_asid) {
  tlb_operation(va_and_asid & 0xffu, va_and_asid & PAGE_MASK, true);
}

void tlb_invalidate_asid(uint32_t asid) {
  tlb_operation(asid, 0, false);
}

void dsb(void) {
  tables_visible = true;
}

void isb(void) {
  if (tables_visible) {
    unfinished = false;
  }
}

void write_ttbr0(uint32_t value) {
  CHECK(cpu.contextidr == ASID_RESERVED, "TTBR0 written while the ASID of a guest is current (ARM ARM B3.10.4)");
  cpu.ttbr0 = value;
}

void write_contextidr(uint32_t value) {
  cpu.contextidr = value;
  tlb_fill();
}

uint32_t machine_access(uint32_t va, bool write, uint8_t **host) {
  tlb_check();
  struct translation entry = walk(va);
  uint32_t domain = entry.l1 >> 5 & 0xfu;
  uint32_t ap = entry.pte & PTE_AP_MASK;
  if (entry.l1 == 0) {
    return FS_TRANSLATION_PAGE;
  }
  CHECK((cpu.dacr >> 2 * domain & 3u) != 3u, "a guest runs as manager of domain %u", domain);
  if ((cpu.dacr >> 2 * domain & 3u) == 0) {
    return FS_DOMAIN_PAGE;
  }
  if (ap != PTE_AP_USER_RW && (write || (ap != PTE_AP_USER_RO && ap != PTE_AP_ARMED))) {
    return FS_PERMISSION_PAGE;
  }
  *host = (uint8_t *)(uintptr_t)(pte_frame(entry.pte) + va % PAGE_SIZE);
  return 0;
}

/* As the entry code (exceptions.inc): r0..r14, pc and cpsr, nothing else. */
static void registers_copy(struct context *to, const struct context *from) {
  memcpy(to->r, from->r, sizeof to->r);
  to->pc = from->pc;
  to->cpsr = from->cpsr;
}

void machine_exception(void (*handler)(struct context *frame)) {
  running->frame = running->park;
  registers_copy(thread_frame(running), &cpu.guest);
  handler(thread_frame(running));
  machine_resume();
}

void machine_resume(void) {
  running = current_vm->thread;
  registers_copy(&cpu.guest, thread_frame(running));
  tlb_check();
}

void vfp_save(struct vfp_context *to) {
  CHECK(cpu.vfp_on, "VFP saved while it is disabled");
  *to = cpu.vfp;
}

void vfp_load(const struct vfp_context *from) {
  CHECK(cpu.vfp_on, "VFP loaded while it is disabled");
  cpu.vfp = *from;
}

void code_written(uint32_t address, uint32_t bytes) {
  (void)address;
  (void)bytes;
}

void machine_raise_tick(void) {
  tick_pending = true;
}

void machine_type(unsigned uart, char c) {
  if (typed_count[uart] < sizeof typed[uart]) {
    typed[uart][typed_count[uart]++] = c;
  }
}

/* The VMM sleeps: time goes on. */
void wfi(void) {
  tick_pending = true;
}

static uint32_t acknowledge(void) {
  for (unsigned uart = 0; uart < BOARD_UART_COUNT; uart++) {
    if (typed_count[uart] != 0) {
      return BOARD_UART_IRQ(uart);
    }
  }
  if (!tick_pending) {
    return GIC_SPURIOUS;
  }
  tick_pending = false;
  timer_counter += TICK_COUNTS;
  return BOARD_TICK_IRQ;
}

uint32_t mmio_read(uint32_t address) {
  switch (address) {
    case GIC_ICCIAR:
      return acknowledge();
    case BOARD_GLOBAL_TIMER_BASE:
      return ++timer_counter;
    default:
      return 0;
  }
}

void mmio_write(uint32_t address, uint32_t value) {
  (void)address;
  (void)value;
}

void uart_init(unsigned n) {
  (void)n;
}

void uart_put(unsigned n, char c) {
  stream_add(&machine_sent[n], c);
}

bool uart_ready(unsigned n) {
  (void)n;
  return true;
}

int uart_get(unsigned n) {
  if (typed_count[n] == 0) {
    return -1;
  }
  char c = typed[n][0];
  memmove(typed[n], typed[n] + 1, --typed_count[n]);
  return (uint8_t)c;
}

void uart_irq_clear(unsigned n) {
  (void)n;
}

void vfp_page_copy(void *dst, const void *src) {
  CHECK(cpu.vfp_on, "VFP is used while it is disabled");
  machine_copies++;
  memcpy(dst, src, PAGE_SIZE);
}

/* lib/copy.S */
void ready_copy(struct ready_table *to, const struct ready_table *from) {
  *to = *from;
}

void context_copy(struct context *dst, const struct context *src) {
  *dst = *src;
}

uint32_t words_sum(const uint32_t *words, uint32_t bytes) {
  uint32_t sum = 0;
  CHECK(bytes % 32u == 0 && bytes <= PAGE_SIZE, "words_sum of %u bytes", bytes);
  for (uint32_t n = 0; n < bytes / 4u; n++) {
    sum = words[n] + (sum >> 1 | sum << 31);
  }
  return sum;
}

void words_copy(uint32_t *dst, const uint32_t *src, uint32_t bytes) {
  CHECK(bytes % 32u == 0 && bytes <= PAGE_SIZE, "words_copy of %u bytes", bytes);
  machine_copies++;
  memcpy(dst, src, bytes);
}
