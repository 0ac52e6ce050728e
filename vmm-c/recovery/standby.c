/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs of VMs: when what is duplicated, and the take-over. */
#include "core/standby.h"

#include "core/channel.h"
#include "core/outside.h"
#include "core/recovery.h"
#include "core/sched.h"
#include "recovery/duplicate.h"
#include "recovery/pages.h"
#include "recovery/schedule.h"

#define BATCH 8u  /* pages that one call copies */
#define CALLS 16u /* after so many calls the rest is copied at once: the primary changes pages faster than BATCH */

struct pair {
  struct page_set changed; /* since they were copied */
  bool all;                /* not only those: the image of one of the two was loaded */
  bool busy;
  bool filled; /* the standby may hold more of the primary than persistent memory */
  uint32_t calls;   /* of this duplication */
  uint32_t due;     /* tick at which the next one begins */
  uint32_t at;      /* tick at which the last complete one ended */
  uint8_t whole;    /* enum vmi_duplicate: what the standby would take over with */
  uint32_t duplications;
  uint32_t pages;
  uint32_t take_overs;
};

static struct pair pairs[STANDBY_MAX];

static struct pair *pair_of(const struct vm *vm) {
  return &pairs[vm->config->standby - config_standbys];
}

static struct vm *standby_of(const struct vm *vm) {
  return vm_numbered(vm->config->standby->standby);
}

void standby_note(const struct vm *vm) {
  if (vm_is_primary(vm)) {
    for (uint32_t i = 0; i < vm->dirty.count; i++) {
      page_set_add(&pair_of(vm)->changed, vm->dirty.pages[i]);
    }
  }
}

void standby_image_loaded(const struct vm *vm) {
  struct pair *pair = pair_of(vm);
  pair->all = true;
  pair->busy = false;
  pair->due = sched_now;
  if (vm_is_standby(vm)) {
    pair->whole = VMI_DUPLICATE_NONE;
  }
}

void standby_forget(const struct vm *vm) {
  if (vm_is_primary(vm)) {
    pair_of(vm)->whole = VMI_DUPLICATE_NONE;
  }
}

static const struct segment_config *segment_at(const struct guest_config *guest, uint32_t va) {
  for (uint32_t i = 0; i < guest->segment_count; i++) {
    if (guest->segments[i].va == va) {
      return &guest->segments[i];
    }
  }
  return NULL;
}

static bool is_chosen(const struct standby_config *config, const struct segment_config *segment) {
  return segment->persistent != 0 && (config->windows >> segment->va / VMI_WINDOW_SIZE & 1u) != 0;
}

/* Do two builds agree on the persistent memory that is duplicated, and is there any? */
static bool persistent_agrees(const struct standby_config *config, const struct guest_config *a,
                              const struct guest_config *b) {
  uint32_t found = 0;
  for (uint32_t i = 0; i < a->segment_count; i++) {
    const struct segment_config *segment = &a->segments[i];
    if (is_chosen(config, segment)) {
      const struct segment_config *other = segment_at(b, segment->va);
      if (other == NULL || other->persistent != segment->persistent || other->mem_size != segment->mem_size ||
          (other->policy == SAVE_NONE) != (segment->policy == SAVE_NONE)) { /* no frames, or nothing to fill them */
        return false;
      }
      found++;
    }
  }
  return found != 0;
}

/* Any guest can be loaded from the console, so this is found out anew for each duplication. */
static enum vmi_duplicate suitable(const struct vm *primary, const struct vm *standby) {
  const struct standby_config *config = primary->config->standby;
  if (config->regions_all && primary->guest == standby->guest) {
    return VMI_DUPLICATE_ALL;
  }
  return persistent_agrees(config, primary->guest, standby->guest) ? VMI_DUPLICATE_PERSISTENT
                                                                   : VMI_DUPLICATE_UNSUITABLE;
}

static bool is_duplicated(const struct vm *primary, uint32_t id, enum vmi_duplicate what) {
  uint32_t window = page_window(id);
  uint32_t record = primary->pages[window][(id & 0x3ffu) >> 2];
  return what == VMI_DUPLICATE_ALL || window == WINDOW_VMM ||
         ((record & PAGE_PERSISTENT) != 0 && (primary->config->standby->windows >> window & 1u) != 0);
}

/* true: no page is left. */
static bool copy_pages(struct pair *pair, const struct vm *primary, struct vm *standby, enum vmi_duplicate what) {
  uint32_t left = pair->calls++ < CALLS ? BATCH : UINT32_MAX;
  uint32_t id;
  while (left != 0 && page_set_take(&pair->changed, &id)) {
    if (is_duplicated(primary, id, what)) {
      duplicate_page(primary, standby, id);
      pair->pages++;
      left--;
    }
  }
  return pair->changed.windows == 0;
}

static void complete(struct pair *pair, const struct vm *primary, struct vm *standby, enum vmi_duplicate what) {
  duplicate_commit(primary, standby, what == VMI_DUPLICATE_ALL);
  pair->whole = (uint8_t)what;
  pair->busy = false;
  pair->at = sched_now;
  pair->duplications++;
}

/* Another build starts with its pristine image, whatever the standby was there for before. */
static bool prepare(struct pair *pair, struct vm *standby, enum vmi_duplicate what) {
  bool ready = what == VMI_DUPLICATE_ALL || !pair->filled || vm_cold_start(standby) == VMI_OK;
  pair->filled = what == VMI_DUPLICATE_ALL || !ready;
  return ready;
}

static void begin(struct pair *pair, const struct vm *primary, struct vm *standby, enum vmi_duplicate what) {
  pair->busy = prepare(pair, standby, what);
  if (pair->all) {
    pair->changed = (struct page_set){0}; /* a former image may have had other pages */
    page_set_fill(&pair->changed, primary);
    pair->all = false;
  }
  pair->calls = 0;
  pair->due = sched_now + primary->config->standby->period;
}

static bool is_due(const struct pair *pair) {
  return pair->busy || (int32_t)(sched_now - pair->due) >= 0;
}

static void duplicate(struct vm *primary) {
  struct pair *pair = pair_of(primary);
  struct vm *standby = standby_of(primary);
  bool alive = primary->run_state == VMI_VM_RUNNING || primary->run_state == VMI_VM_PAUSED;
  if (!alive || standby->run_state != VMI_VM_STANDBY || !is_due(pair)) {
    return;
  }
  enum vmi_duplicate what = suitable(primary, standby);
  if (what == VMI_DUPLICATE_UNSUITABLE) {
    return;
  }
  if (!pair->busy) {
    begin(pair, primary, standby, what);
  }
  if (pair->busy && copy_pages(pair, primary, standby, what)) {
    complete(pair, primary, standby, what);
  }
}

void standby_duplicate(void) {
  for (uint32_t i = 0; i < config_standby_count; i++) {
    duplicate(vm_numbered(config_standbys[i].primary));
  }
}

bool standby_is_whole(const struct vm *vm) {
  struct vmi_fault damage;
  return vm_is_primary(vm) && vm->run_state >= VMI_VM_RUNNING && standby_of(vm)->run_state == VMI_VM_STANDBY &&
         pair_of(vm)->whole != VMI_DUPLICATE_NONE &&
         recovery_backup_is_sound(standby_of(vm), KERNEL_THREAD, VMI_ACTION_VM_ROLLBACK, &damage);
}

/* A guest that goes on knows nothing of it; one that starts anew is told why (docs/vmi.md, persistent memory). */
static void take_identity(struct vm *stand_in, struct vm *primary, enum vmi_duplicate with) {
  uint32_t start = primary->info->start;
  vm_exchange_identity(primary, stand_in);
  stand_in->health = primary->health; /* a person may have changed the policy */
  health_reset(&stand_in->health);
  stand_in->recoveries++;
  if (with == VMI_DUPLICATE_PERSISTENT) {
    stand_in->starts++;
    start = VMI_START_STANDBY;
  }
  vm_info_fill(stand_in);
  stand_in->info->start = start;
}

bool standby_take_over(struct vm *primary, struct vmi_fault *record) {
  if (!standby_is_whole(primary)) {
    return false;
  }
  struct vm *stand_in = standby_of(primary);
  struct pair *pair = pair_of(primary);
  outside_drop(primary); /* what it has said since its checkpoint is not what the stand-in knows */
  (void)vm_stop(primary);
  primary->run_state = VMI_VM_STOPPED;
  primary->tracked = false; /* it is not looked at again: no checkpoint is taken when the CPU leaves it */
  if (pair->whole == VMI_DUPLICATE_ALL) {
    stand_in->boot = primary->boot;
  }
  take_identity(stand_in, primary, (enum vmi_duplicate)pair->whole);
  stand_in->run_state = VMI_VM_RUNNING;
  stand_in->slice_left = stand_in->slice_ticks;
  schedule_begin(&stand_in->config->schedule, &stand_in->saves_due, &stand_in->saved_at);
  outside_note(stand_in, OUTSIDE_INPUT); /* the primary may have read some since the duplicate */
  recovery_rollback_vm(stand_in, record);
  channel_show_all(stand_in);
  stand_in->counters.vm_rollbacks--; /* it counts as a take-over */
  record->old_table = (uint32_t)(uintptr_t)primary->active_pt;
  pair->whole = VMI_DUPLICATE_NONE;
  pair->take_overs++;
  return true;
}

void standby_describe(const struct vm *vm, struct vmi_pair *info) {
  const struct standby_config *config = vm->config->standby;
  *info = (struct vmi_pair){.standby = VMI_VM_NONE, .standby_for = VMI_VM_NONE};
  if (config == NULL) {
    return;
  }
  const struct pair *pair = pair_of(vm);
  if (vm_is_primary(vm)) {
    info->standby = config->standby;
  } else {
    info->standby_for = config->primary;
  }
  info->duplicate = pair->whole;
  if (pair->whole != VMI_DUPLICATE_NONE) {
    info->duplicate_age = (sched_now - pair->at) * config_tick_us / 1000u;
  } else if (suitable(vm_numbered(config->primary), vm_numbered(config->standby)) == VMI_DUPLICATE_UNSUITABLE) {
    info->duplicate = VMI_DUPLICATE_UNSUITABLE;
  }
  info->duplications = pair->duplications;
  info->duplicated_pages = pair->pages;
  info->take_overs = pair->take_overs;
}
