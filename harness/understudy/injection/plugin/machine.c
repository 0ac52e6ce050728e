/* SPDX-License-Identifier: Apache-2.0 */
#include "machine.h"

#include <string.h>

#include "internals.h"

enum { FLAG_SINGLE = 1, FLAG_ARRAY = 4, FIELD_MAX = 96, PLAIN_FLAGS = FLAG_SINGLE | FLAG_ARRAY };
enum { CPSR_MODE = 0x1f, MODE_USER = 0x10, MODE_SYSTEM = 0x1f };

/* A plain field of QEMU's CPU object. */
struct piece {
  const char *name;
  size_t offset;
  size_t size;
};

static struct piece pieces[FIELD_MAX];
static size_t piece_count;
/* Offsets in the CPU object: of the list of coprocessor registers, and of r0. */
static size_t values_at;
static size_t count_at;
static size_t indexes_at;
static size_t core_at;

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
    if (strcmp(field->name, "cpreg_vmstate_array_len") == 0) {
      count_at = field->offset;
    } else if (strcmp(field->name, "cpreg_vmstate_indexes") == 0) {
      indexes_at = field->offset;
    } else if (strcmp(field->name, "cpreg_vmstate_values") == 0) {
      values_at = field->offset;
    } else if (is_plain(field) && piece_count < FIELD_MAX) {
      size_t count = (field->flags & FLAG_ARRAY) != 0 ? (size_t)field->count : 1;
      pieces[piece_count++] = (struct piece){field->name, field->offset, field->size * count};
    }
  }
}

int machine_state(const char *name) {
  for (size_t i = 0; i < piece_count; i++) {
    if (strcmp(pieces[i].name, name) == 0) {
      return (int)i;
    }
  }
  return -1;
}

static bool layout_fits(void) {
  int core = machine_state("env.regs");
  if (core < 0 || pieces[core].size != 16 * sizeof(uint32_t) || !count_at || !indexes_at || !values_at) {
    return false;
  }
  core_at = pieces[core].offset;
  return true;
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

/* QEMU gathers the registers of coprocessor 15 when a snapshot is saved, and spreads them when one is loaded. */
static uint64_t *gather_cp15(int32_t *count) {
  uint64_t *values;
  qemu.cpu_state->pre_save(cpu());
  memcpy(&values, cpu() + values_at, sizeof values);
  memcpy(count, cpu() + count_at, sizeof *count);
  return values;
}

static void spread_cp15(void) {
  qemu.cpu_state->post_load(cpu(), qemu.cpu_state->version);
  qemu.tlb_flush(cpu());
}

static bool cp15_read(uint64_t index, uint64_t *value) {
  uint64_t *indexes;
  int32_t count;
  uint64_t *values = gather_cp15(&count);
  bool found = false;
  memcpy(&indexes, cpu() + indexes_at, sizeof indexes);
  for (int32_t i = 0; i < count && !found; i++) {
    if (indexes[i] == index) {
      *value = values[i];
      found = true;
    }
  }
  qemu.cpu_state->post_save(cpu());
  return found;
}

static bool cp15_write(uint64_t index, uint64_t value) {
  uint64_t *indexes;
  int32_t count;
  uint64_t *values = gather_cp15(&count);
  memcpy(&indexes, cpu() + indexes_at, sizeof indexes);
  for (int32_t i = 0; i < count; i++) {
    if (indexes[i] == index) {
      values[i] = value;
    }
  }
  spread_cp15();
  return true;
}

static const struct piece *piece_of(const struct fault *fault) {
  size_t number = fault->address >> 32;
  size_t offset = fault->address & UINT32_MAX;
  if (number >= piece_count || offset + fault->size > pieces[number].size) {
    return NULL;
  }
  return &pieces[number];
}

bool machine_read(const struct fault *fault, uint64_t *value) {
  *value = 0;
  switch (fault->target) {
    case TARGET_CORE:
      *value = machine_core((int)fault->address);
      return true;
    case TARGET_STATE: {
      const struct piece *piece = piece_of(fault);
      if (piece == NULL) {
        return false;
      }
      memcpy(value, cpu() + piece->offset + (fault->address & UINT32_MAX), fault->size);
      return true;
    }
    case TARGET_CP15:
      return cp15_read(fault->address, value);
    default:
      ram_read(fault->address, value, fault->size);
      return true;
  }
}

bool machine_write(const struct fault *fault, uint64_t value) {
  switch (fault->target) {
    case TARGET_CORE:
      machine_set_core((int)fault->address, (uint32_t)value);
      return true;
    case TARGET_STATE: {
      const struct piece *piece = piece_of(fault);
      if (piece == NULL) {
        return false;
      }
      memcpy(cpu() + piece->offset + (fault->address & UINT32_MAX), &value, fault->size);
      return true;
    }
    case TARGET_CP15:
      return cp15_write(fault->address, value);
    default:
      qemu.cpu_physical_memory_rw(fault->address, &value, fault->size, true);
      if (fault->target == TARGET_RAM) {
        qemu.tlb_flush(cpu()); /* it may be a page table, and the fault should show as soon as it can */
      }
      return true;
  }
}

static size_t put(uint8_t *to, size_t at, const void *data, size_t size) {
  if (to != NULL) {
    memcpy(to + at, data, size);
  }
  return at + size;
}

size_t machine_registers(uint8_t *to) {
  int32_t count;
  uint32_t cpsr = qemu.cpsr_read(env());
  uint64_t *values = gather_cp15(&count);
  size_t size = put(to, 0, &cpsr, sizeof cpsr);
  size = put(to, size, values, sizeof *values * (size_t)count);
  qemu.cpu_state->post_save(cpu());
  for (size_t i = 0; i < piece_count; i++) {
    size = put(to, size, cpu() + pieces[i].offset, pieces[i].size);
  }
  return size;
}

void ram_read(uint64_t address, void *data, size_t size) {
  qemu.cpu_physical_memory_rw(address, data, size, false);
}

const uint8_t *machine_ram(uint64_t address, uint64_t size) {
  uint64_t mapped = size;
  const uint8_t *memory = qemu.cpu_physical_memory_map(address, &mapped, false);
  return mapped == size ? memory : NULL;
}
