// SPDX-License-Identifier: Apache-2.0
#include "core/black_box.h"

#include <stdbool.h>
#include <stddef.h>

#include "core/config.h"
#include "core/fault_log.h"
#include "core/preserved.h"
#include "core/print.h"
#include "core/vmm_fault.h"
#include "lib/crc32.h"
#include "lib/string.h"

#define BOX_SIZE ((uint32_t)(sizeof(struct black_box) + sizeof last_words + sizeof(struct fault_log)))
#define NAME_MAX(array) ((uint32_t)(sizeof(array) - 1u))

struct black_box black_box __attribute__((section(".black_box.header")));
static struct vmi_last_words last_words[LAST_WORDS] __attribute__((section(".black_box.words")));
static PRESERVED struct vmi_black_box found;
static const char *const states[] = {
    [VMI_BLACK_BOX_EMPTY] = "empty",
    [VMI_BLACK_BOX_SAME_BUILD] = "of this build",
    [VMI_BLACK_BOX_OTHER_BUILD] = "of another build",
    [VMI_BLACK_BOX_DAMAGED] = "header damaged",
};

static uint32_t header_checksum(void) {
  return crc32(0, &black_box, offsetof(struct black_box, check));
}

static bool same_build(void) {
  uint32_t length = strnlen(config_build_id, NAME_MAX(black_box.build));
  return black_box.size == BOX_SIZE && memcmp(black_box.build, config_build_id, length) == 0;
}

static enum vmi_black_box_state header_state(void) {
  if (black_box.magic != BLACK_BOX_MAGIC) {
    return VMI_BLACK_BOX_EMPTY;
  }
  if (black_box.check != header_checksum()) {
    return VMI_BLACK_BOX_DAMAGED;
  }
  return same_build() ? VMI_BLACK_BOX_SAME_BUILD : VMI_BLACK_BOX_OTHER_BUILD;
}

/* The first sequence number and the life after all sound records. */
static void find_sound(void) {
  for (uint32_t slot = 1; slot <= FAULT_LOG_CAPACITY; slot++) {
    const struct vmi_fault *record = fault_log_slot(slot);
    if (fault_log_is_sound(record)) {
      found.first = record->sequence >= found.first ? record->sequence + 1u : found.first;
      found.life = record->life >= found.life ? record->life + 1u : found.life;
    }
  }
  if (found.state == VMI_BLACK_BOX_EMPTY && found.first != 1u) {
    found.state = VMI_BLACK_BOX_DAMAGED; /* not even the mark of a header is left */
  }
}

/* Right behind the last sealed record, counted by the last life's counter, and all values exist. */
static bool is_plausible(const struct vmi_fault *record, uint32_t sequence) {
  return record->sequence == sequence && sequence < fault_log.next_sequence && record->kind <= VMI_FAULT_REQUEST &&
         record->class < VMI_CLASS_COUNT && record->action <= VMI_ACTION_VMM_RESTART && record->vm < VM_MAX &&
         (record->task < VMI_TASK_MAX || record->task == VMI_TASK_KERNEL);
}

/* Faults that the reset overtook before they had a checksum. */
static void salvage(void) {
  struct vmi_fault *record = fault_log_slot(found.first);
  while (is_plausible(record, found.first)) {
    fault_log_salvage(record, (uint16_t)black_box.life);
    found.salvaged++;
    found.first++;
    record = fault_log_slot(found.first);
  }
}

static void drop_others(void) {
  for (uint32_t slot = 1; slot <= FAULT_LOG_CAPACITY; slot++) {
    struct vmi_fault *record = fault_log_slot(slot);
    if (!fault_log_is_sound(record)) {
      found.damaged += record->sequence != 0 && found.state != VMI_BLACK_BOX_EMPTY;
      *record = (struct vmi_fault){0};
    }
  }
}

static void examine(void) {
  found = (struct vmi_black_box){.state = header_state(), .life = 1, .first = 1};
  bool known = found.state == VMI_BLACK_BOX_SAME_BUILD || found.state == VMI_BLACK_BOX_OTHER_BUILD;
  if (known) {
    found.life = black_box.life + 1u;
    found.first = black_box.first;
    memcpy(found.build, black_box.build, sizeof found.build);
    memcpy(found.system, black_box.system, sizeof found.system);
  }
  find_sound();
  if (known && black_box.size == BOX_SIZE) {
    salvage();
  }
  drop_others();
}

static bool words_sound(const struct vmi_last_words *words) {
  return words->number != 0 && words->check == crc32(0, words, offsetof(struct vmi_last_words, check));
}

/* The newest ones with a number below `limit`, or NULL. */
static const struct vmi_last_words *newest_below(uint32_t limit) {
  const struct vmi_last_words *newest = NULL;
  for (uint32_t i = 0; i < LAST_WORDS; i++) {
    const struct vmi_last_words *words = &last_words[i];
    if (words_sound(words) && words->number < limit && (newest == NULL || words->number > newest->number)) {
      newest = words;
    }
  }
  return newest;
}

struct vmi_last_words *black_box_words_begin(void) {
  const struct vmi_last_words *newest = newest_below(0xffffffffu);
  uint32_t number = newest != NULL ? newest->number + 1u : 1u;
  struct vmi_last_words *words = &last_words[number % LAST_WORDS];
  *words = (struct vmi_last_words){.number = number, .life = black_box.life};
  return words;
}

void black_box_words_commit(struct vmi_last_words *words) {
  words->check = crc32(0, words, offsetof(struct vmi_last_words, check));
}

bool black_box_words(uint32_t nth, struct vmi_last_words *out) {
  const struct vmi_last_words *words = newest_below(0xffffffffu);
  for (; words != NULL && nth != 0; nth--) {
    words = newest_below(words->number);
  }
  if (words != NULL) {
    *out = *words;
  }
  return words != NULL;
}

void black_box_open(void) {
  examine();
  black_box = (struct black_box){.magic = BLACK_BOX_MAGIC, .size = BOX_SIZE, .life = found.life, .first = found.first};
  memcpy(black_box.build, config_build_id, strnlen(config_build_id, NAME_MAX(black_box.build)));
  memcpy(black_box.system, config_system_name, strnlen(config_system_name, NAME_MAX(black_box.system)));
  black_box.check = header_checksum();
  fault_log_open(found.first, (uint16_t)found.life);
}

void black_box_describe(struct vmi_black_box *info) {
  *info = found;
  info->next = fault_log.next_sequence;
  info->restarts = vmm_fault_restarts();
}

/* The records that are left may begin later: those before them are overwritten. */
static uint32_t kept(void) {
  uint32_t count = 0;
  for (uint32_t slot = 1; slot <= FAULT_LOG_CAPACITY; slot++) {
    uint32_t sequence = fault_log_slot(slot)->sequence;
    count += sequence != 0 && sequence < found.first;
  }
  return count;
}

void black_box_report(void) {
  if (found.state != VMI_BLACK_BOX_EMPTY) {
    print("[vmm] black box: life %u, the last one %s; %u faults kept, %u without checksum, %u damaged\n", found.life,
          states[found.state], kept(), found.salvaged, found.damaged);
  }
}
