/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <string.h>

#include "internals.h"

enum { FLAG_SINGLE = 1, FLAG_ARRAY = 4, FIELD_MAX = 96, PLAIN_FLAGS = FLAG_SINGLE | FLAG_ARRAY };
#define KEY_SCTLR (15u << 16 | 1u << 11) /* c1, c0, 0, 0, secure (ARM ARM B3.17.1) */
enum { CPSR_MODE = 0x1f, MODE_USER = 0x10, MODE_SYSTEM = 0x1f };

/* A plain field of QEMU's CPU object. */
struct piece {
  const char *name;
  size_t offset;
  size_t size;
};

static struct piece pieces[FIELD_MAX];
static size_t piece_count;
/* Offsets in the CPU object: of r0, with which the state begins, of its end, and of the table of coprocessor registers. */
static size_t core_at;
static size_t core_end;
static size_t table_at;

static uint8_t *cpu(void) {
  return qemu.qemu_get_cpu(0);
}

/* The state of the processor core is a part of the object, and begins with r0. */
static uint8_t *env(void) {
  return cpu() + core_at;
}

/* A field at offset 0 is computed by functions of its own. */
static bool is_plain(const struct state_field *field) {
  return field->offset != 0 && (field->flags & ~PLAIN_FLAGS) == 0 && (field->flags & PLAIN_FLAGS) != 0;
}

static void add_fields(const struct state_description *description) {
  for (const struct state_field *field = description->fields; field->name != NULL; field++) {
    if (strcmp(field->name, "cpreg_vmstate_indexes") == 0) {
      table_at = field->offset - 4 * sizeof(void *);
    } else if (is_plain(field) && piece_count < FIELD_MAX) {
      size_t count = (field->flags & FLAG_ARRAY) != 0 ? (size_t)field->count : 1;
      pieces[piece_count++] = (struct piece){field->name, field->offset, field->size * count};
    }
  }
}

static int find_piece(const char *name) {
  for (size_t i = 0; i < piece_count; i++) {
    if (strcmp(pieces[i].name, name) == 0) {
      return (int)i;
    }
  }
  return -1;
}

/* Where the value of a register of coprocessor 15 is; NULL: there is no such register, or it has no value of its own. */
static uint8_t *cp15_field(uint64_t key) {
  void *table;
  memcpy(&table, cpu() + table_at, sizeof table);
  const struct coprocessor_register *found = qemu.get_arm_cp_reginfo(table, (uint32_t)key);
  if (found == NULL || found->coprocessor != 15 || found->crn != (key >> 11 & 15) || found->op2 != (key & 7)) {
    return NULL;
  }
  return found->field > 0 && found->field < (ptrdiff_t)(core_end - core_at) ? env() + found->field : NULL;
}

static bool layout_fits(void) {
  int core = find_piece("env.regs");
  int vfp = find_piece("env.vfp.zregs[31].d");
  if (core < 0 || vfp < 0 || pieces[core].size != 16 * sizeof(uint32_t) || table_at == 0) {
    return false;
  }
  core_at = pieces[core].offset;
  core_end = pieces[vfp].offset + pieces[vfp].size;
  return cp15_field(KEY_SCTLR) != NULL;
}

const char *machine_open(void) {
  add_fields(qemu.cpu_state);
  for (const struct state_description *const *part = qemu.cpu_state->subsections; *part != NULL; part++) {
    if (strcmp((*part)->name, "cpu/vfp") == 0) {
      add_fields(*part);
    }
  }
  return layout_fits() ? NULL : "layout of its CPU state";
}

uint32_t machine_core(int number) {
  uint32_t value;
  if (number == CPSR) {
    return qemu.cpsr_read(env());
  }
  memcpy(&value, env() + sizeof value * (size_t)number, sizeof value);
  return value;
}

/* From user mode QEMU refuses other modes. System mode has the same registers, and may go anywhere. */
static void set_cpsr(uint32_t value) {
  uint32_t old = qemu.cpsr_read(env());
  if ((old & CPSR_MODE) == MODE_USER && (value & CPSR_MODE) != MODE_USER) {
    qemu.cpsr_write(env(), old | MODE_SYSTEM, CPSR_MODE, CPSR_WRITE_RAW);
  }
  qemu.cpsr_write(env(), value, UINT32_MAX, CPSR_WRITE_DEBUGGER);
  qemu.arm_rebuild_hflags(env());
}

void machine_set_core(int number, uint32_t value) {
  if (number == CPSR) {
    set_cpsr(value);
  } else {
    memcpy(env() + sizeof value * (size_t)number, &value, sizeof value);
  }
}

static const struct piece *piece_of(const struct fault *fault) {
  size_t number = fault->address >> 32;
  size_t offset = fault->address & UINT32_MAX;
  if (number >= piece_count || offset + fault->size > pieces[number].size) {
    return NULL;
  }
  return &pieces[number];
}

/* Where QEMU keeps what a fault aims at, if that is in its CPU state; NULL: it isn't, or there is no such thing. */
static uint8_t *place_of(const struct fault *fault) {
  const struct piece *piece = fault->target == TARGET_STATE ? piece_of(fault) : NULL;
  if (fault->target == TARGET_CP15) {
    return cp15_field(fault->address);
  }
  return piece != NULL ? cpu() + piece->offset + (fault->address & UINT32_MAX) : NULL;
}

/* The interrupt controller hides from non-secure software what belongs to the VMM, which is secure. */
static void device_access(uint64_t address, void *value, size_t size, bool write) {
  (void)qemu.address_space_rw(qemu.address_space, address, ATTRIBUTES_SECURE, value, size, write);
}

void device_read(uint64_t address, void *value, size_t size) {
  device_access(address, value, size, false);
}

bool machine_read(const struct fault *fault, uint64_t *value) {
  const uint8_t *place = place_of(fault);
  *value = 0;
  switch (fault->target) {
    case TARGET_CORE:
      *value = machine_core((int)fault->address);
      return fault->address <= CPSR;
    case TARGET_STATE:
    case TARGET_CP15:
      if (place != NULL) {
        memcpy(value, place, fault->size);
      }
      return place != NULL;
    case TARGET_DEVICE:
      device_read(fault->address, value, fault->size);
      return true;
    default:
      ram_read(fault->address, value, fault->size);
      return true;
  }
}

void machine_write(const struct fault *fault, uint64_t value) {
  switch (fault->target) {
    case TARGET_CORE:
      machine_set_core((int)fault->address, (uint32_t)value);
      break;
    case TARGET_STATE:
    case TARGET_CP15:
      memcpy(place_of(fault), &value, fault->size);
      qemu.arm_rebuild_hflags(env());
      break;
    case TARGET_DEVICE:
      device_access(fault->address, &value, fault->size, true);
      break;
    default:
      qemu.cpu_physical_memory_rw(fault->address, &value, fault->size, true);
  }
  if (fault->target == TARGET_CP15 || fault->target == TARGET_RAM) {
    qemu.tlb_flush(cpu()); /* what is written to may be a page table, and a fault shows as soon as it can */
  }
}

static size_t put(uint8_t *to, size_t at, const void *data, size_t size) {
  if (to != NULL) {
    memcpy(to + at, data, size);
  }
  return at + size;
}

size_t machine_describe(uint8_t *to) {
  struct hello hello = {.version = PROTOCOL_VERSION, .time = (uint64_t)qemu.qemu_clock_get_ns(CLOCK_VIRTUAL)};
  size_t size = put(to, 0, &hello, sizeof hello);
  for (size_t i = 0; i < piece_count; i++) {
    size = put(to, size, pieces[i].name, strlen(pieces[i].name));
    size = put(to, size, "\n", 1);
  }
  return size;
}

size_t machine_registers(uint8_t *to) {
  return put(to, 0, env(), core_end - core_at);
}

/* A snapshot of QEMU 7.2 lacks the secure bank of coprocessor 15: its list of registers says "non-secure" for all. */
void machine_set_registers(const uint8_t *from) {
  memcpy(env(), from, core_end - core_at);
  qemu.arm_rebuild_hflags(env());
  qemu.tlb_flush(cpu());
}

void ram_read(uint64_t address, void *data, size_t size) {
  qemu.cpu_physical_memory_rw(address, data, size, false);
}

uint8_t *machine_ram(uint64_t address, uint64_t size) {
  uint64_t mapped = size;
  uint8_t *memory = qemu.cpu_physical_memory_map(address, &mapped, false);
  return mapped == size ? memory : NULL;
}
