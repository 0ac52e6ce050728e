/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU plugin: when the machine enters the VMM, passes chosen addresses in it, and returns to a guest, in executed
 * instructions since reset. It changes neither the machine's state nor its clock.
 *
 * What is counted is what `-icount` counts. An instruction is counted when it starts. One that ends in a data abort
 * has not been executed, and is executed again after the fault was treated: QEMU takes it back from its clock, and so
 * does enter(). An instruction that QEMU translates again because it accesses a device (`cpu_io_recompile`) runs from
 * a block for which plugins see memory accesses only, so it is not counted twice. idle_ns proves it: the clock less
 * the time of the counted instructions stays constant, except where the processor slept.
 */
#include "qemu_plugin_api.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  FIRST_VECTOR = 0x04,
  LAST_VECTOR = 0x18, /* the code of the IRQ goes on in the vector of the FIQ */
  DATA_ABORT = 0x10,
  ARM_SIZE = 4,
  POINT_MAX = 4096,
  GATE_MAX = 8,
  PATH_LENGTH = 256
};
enum kind { KIND_ENTER, KIND_LEAVE, KIND_POINT };

#define NOWHERE 0xffffffffu
#define IDLE_NS 100000000u /* so much later a machine that has returned to no guest is not expected to do so */
#define RECORD_BUFFER (1u << 20)

/* One record of the output; visits.py reads it. */
struct record {
  uint64_t count;     /* instructions executed before it, since reset */
  uint64_t idle_ns;   /* virtual time that the processor slept, as known at the last access to a device */
  uint32_t kind;      /* enum kind */
  uint32_t address;   /* enter: of the vector; leave: of the first guest instruction; point: of the point */
  uint32_t came_from; /* enter: address of the last guest instruction, NOWHERE if there was none since the last leave */
  uint32_t reserved;
};

/* A translated block of a guest. */
struct block {
  size_t size;
  uint32_t addresses[];
};

PLUGIN_EXPORT int qemu_plugin_version = PLUGIN_VERSION;

static FILE *output;
static uint32_t vectors; /* base of the exception vectors */
static uint32_t guest_end;
static uint64_t instruction_ns;
static uint32_t points[POINT_MAX];
static size_t point_count;
static const char *gate; /* name of the FIFOs, without the number that each hold adds */
static uint64_t gates[GATE_MAX]; /* counts, ascending: at the first leave from each on the machine is held */
static size_t gate_count;
static size_t gate_next;
static uint64_t until_ns; /* 0, or: held at the first leave from this virtual time on, or in the VMM if it is idle */

static uint64_t started; /* instructions; the inline code of each block adds to it */
static uint64_t idle_ns;
static bool inside = true; /* in the VMM; the machine starts there */
static const struct block *recent; /* the guest's block that was entered last, NULL if none since the last leave */
static uint64_t recent_start; /* `started` when it was entered */

static void put(enum kind kind, uint64_t count, uint32_t address, uint32_t came_from) {
  struct record record = {count, idle_ns, kind, address, came_from, 0};
  if (fwrite(&record, sizeof record, 1, output) != 1) {
    perror("visits plugin");
    exit(EXIT_FAILURE);
  }
}

/* Wait until the other side opens the FIFO and closes it again; commands to QEMU are served meanwhile. */
static void hold(void) {
  char path[PATH_LENGTH];
  char unused;
  fflush(output);
  snprintf(path, sizeof path, "%s%zu", gate, gate_next++);
  int fd = open(path, O_RDONLY);
  while (fd >= 0 && read(fd, &unused, 1) > 0) {
  }
  close(fd);
}

/* The first instruction of a vector starts; it is not counted yet, because inline code runs after callbacks. */
static void enter(unsigned cpu, void *address) {
  (void)cpu;
  uint32_t vector = (uint32_t)(uintptr_t)address;
  uint32_t came_from = NOWHERE;
  if (recent != NULL && started > recent_start && started - recent_start <= recent->size) {
    came_from = recent->addresses[started - recent_start - 1];
  }
  if (vector - vectors == DATA_ABORT) {
    started--;
  }
  put(KIND_ENTER, started, vector, came_from);
  inside = true;
  recent = NULL;
}

static bool hold_is_due(void) {
  if (until_ns != 0 && started * instruction_ns + idle_ns >= until_ns) {
    until_ns = 0;
    return true;
  }
  return gate_next < gate_count && started >= gates[gate_next];
}

/* A block of a guest starts; nothing of it is counted yet. */
static void run_guest(unsigned cpu, void *block) {
  (void)cpu;
  recent = block;
  recent_start = started;
  if (inside) {
    inside = false;
    put(KIND_LEAVE, started, recent->addresses[0], NOWHERE);
    if (hold_is_due()) {
      hold();
    }
  }
}

static void pass(unsigned cpu, void *address) {
  (void)cpu;
  put(KIND_POINT, started, (uint32_t)(uintptr_t)address, NOWHERE);
}

/* An instruction has accessed memory; it is counted. */
static void access_memory(unsigned cpu, qemu_plugin_meminfo_t info, uint64_t address, void *unused) {
  (void)cpu;
  (void)unused;
  const struct qemu_plugin_hwaddr *where = qemu_plugin_get_hwaddr(info, address);
  if (where == NULL || !qemu_plugin_hwaddr_is_io(where)) {
    return;
  }
  uint64_t now = (uint64_t)qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
  idle_ns = now - started * instruction_ns;
  if (until_ns != 0 && now >= until_ns + IDLE_NS) {
    until_ns = 0;
    hold();
  }
}

static bool is_vector(uint32_t address) {
  return address - vectors >= FIRST_VECTOR && address - vectors <= LAST_VECTOR;
}

static bool is_point(uint32_t address) {
  for (size_t i = 0; i < point_count; i++) {
    if (points[i] == address) {
      return true;
    }
  }
  return false;
}

/* Loads and stores of one register, the way devices are accessed in ARM code (ARM ARM A5.3). */
static bool is_load_or_store(const struct qemu_plugin_insn *insn) {
  uint32_t opcode;
  memcpy(&opcode, qemu_plugin_insn_data(insn), sizeof opcode);
  return (opcode >> 26 & 3u) == 1u;
}

static uint32_t address_of(const struct qemu_plugin_tb *tb, size_t index) {
  return (uint32_t)qemu_plugin_insn_vaddr(qemu_plugin_tb_get_insn(tb, index));
}

/* The block may be thrown away and translated again; the few copies that this costs are never freed. */
static void watch_guest(struct qemu_plugin_tb *tb, size_t size) {
  struct block *block = malloc(sizeof *block + size * sizeof block->addresses[0]);
  if (block == NULL) {
    abort();
  }
  block->size = size;
  for (size_t i = 0; i < size; i++) {
    block->addresses[i] = address_of(tb, i);
  }
  qemu_plugin_register_vcpu_tb_exec_cb(tb, run_guest, QEMU_PLUGIN_CB_NO_REGS, block);
}

static void watch_instruction(struct qemu_plugin_insn *insn) {
  uint32_t address = (uint32_t)qemu_plugin_insn_vaddr(insn);
  void *data = (void *)(uintptr_t)address;
  qemu_plugin_register_vcpu_insn_exec_inline(insn, QEMU_PLUGIN_INLINE_ADD_U64, &started, 1);
  if (is_vector(address)) {
    qemu_plugin_register_vcpu_insn_exec_cb(insn, enter, QEMU_PLUGIN_CB_NO_REGS, data);
  } else if (is_point(address)) {
    qemu_plugin_register_vcpu_insn_exec_cb(insn, pass, QEMU_PLUGIN_CB_NO_REGS, data);
  }
  if (address >= guest_end && qemu_plugin_insn_size(insn) == ARM_SIZE && is_load_or_store(insn)) {
    qemu_plugin_register_vcpu_mem_cb(insn, access_memory, QEMU_PLUGIN_CB_NO_REGS, QEMU_PLUGIN_MEM_RW, NULL);
  }
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb) {
  (void)id;
  size_t size = qemu_plugin_tb_n_insns(tb);
  if (qemu_plugin_tb_vaddr(tb) < guest_end) {
    watch_guest(tb, size);
  }
  for (size_t i = 0; i < size; i++) {
    watch_instruction(qemu_plugin_tb_get_insn(tb, i));
  }
}

static void finish(qemu_plugin_id_t id, void *unused) {
  (void)id;
  (void)unused;
  fclose(output);
}

static const char *value_of(const char *argument, const char *name) {
  size_t length = strlen(name);
  return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

static bool take_argument(const char *argument) {
  const char *value;
  if ((value = value_of(argument, "out")) != NULL) {
    output = fopen(value, "wb");
  } else if ((value = value_of(argument, "gate")) != NULL) {
    gate = strdup(value);
  } else if ((value = value_of(argument, "vectors")) != NULL) {
    vectors = (uint32_t)strtoul(value, NULL, 0);
  } else if ((value = value_of(argument, "guest_end")) != NULL) {
    guest_end = (uint32_t)strtoul(value, NULL, 0);
  } else if ((value = value_of(argument, "instruction_ns")) != NULL) {
    instruction_ns = strtoull(value, NULL, 0);
  } else if ((value = value_of(argument, "hold")) != NULL && gate_count < GATE_MAX) {
    gates[gate_count++] = strtoull(value, NULL, 0);
  } else if ((value = value_of(argument, "until_ns")) != NULL) {
    until_ns = strtoull(value, NULL, 0);
  } else if ((value = value_of(argument, "point")) != NULL && point_count < POINT_MAX) {
    points[point_count++] = (uint32_t)strtoul(value, NULL, 0);
  } else {
    return false;
  }
  return true;
}

PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; i++) {
    if (!take_argument(argv[i])) {
      fprintf(stderr, "visits plugin: bad argument %s\n", argv[i]);
      return -1;
    }
  }
  if (output == NULL || instruction_ns == 0) {
    fprintf(stderr, "visits plugin: cannot write the output, or out= or instruction_ns= is missing\n");
    return -1;
  }
  setvbuf(output, NULL, _IOFBF, RECORD_BUFFER);
  qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
  qemu_plugin_register_atexit_cb(id, finish, NULL);
  return 0;
}
