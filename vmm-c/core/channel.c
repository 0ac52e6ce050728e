// SPDX-License-Identifier: Apache-2.0
#include "core/channel.h"

#include "core/config.h"
#include "core/outside.h"
#include "core/virq.h"
#include "core/vm_memory.h"

struct side {
  uint8_t peer_vm;
  uint8_t peer_channel;
};

static struct side sides[VM_MAX][VMI_CHANNEL_MAX];
uint8_t channel_counts[VM_MAX];

void channel_init(void) {
  for (uint32_t i = 0; i < config_channel_count; i++) {
    uint8_t a = config_channels[i].vm[0];
    uint8_t b = config_channels[i].vm[1];
    uint8_t at_a = channel_counts[a]++;
    uint8_t at_b = channel_counts[b]++;
    sides[a][at_a] = (struct side){b, at_b};
    sides[b][at_b] = (struct side){a, at_a};
  }
}

bool channel_peer(unsigned vm, unsigned c, unsigned *peer_vm, unsigned *peer_channel) {
  if (c >= channel_counts[vm]) {
    return false;
  }
  *peer_vm = sides[vm][c].peer_vm;
  *peer_channel = sides[vm][c].peer_channel;
  return true;
}

void channel_info(unsigned vm, struct vmi_info *info) {
  info->channel_count = channel_counts[vm];
  for (uint32_t c = 0; c < channel_counts[vm]; c++) {
    uint32_t out = VMI_CHANNEL_BASE + c * VMI_CHANNEL_STRIDE;
    info->channel[c] =
        (struct vmi_channel_info){.peer = sides[vm][c].peer_vm, .out_page = out, .in_page = out + VMI_PAGE_SIZE};
  }
}

static void ring(unsigned vm, unsigned c) {
  virq_raise(sides[vm][c].peer_vm, VMI_IRQ_CHANNEL(sides[vm][c].peer_channel));
}

int32_t channel_notify(struct vm *vm, unsigned c) {
  if (c >= channel_counts[vm->index]) {
    return VMI_ENOENT;
  }
  if (outside_is_held(vm)) {
    outside_note(vm, OUTSIDE_BELL(c));
  } else {
    ring(vm->index, c);
  }
  return VMI_OK;
}

void channel_show_all(const struct vm *vm) {
  for (unsigned c = 0; c < channel_counts[vm->index]; c++) {
    if (vm->channel_seen[c] != 0) {
      vm_channel_show(vm, c);
    }
  }
}

void channel_commit(const struct vm *vm, uint32_t what) {
  for (unsigned c = 0; c < channel_counts[vm->index]; c++) {
    if ((what & OUTSIDE_PAGE(c)) != 0 && vm->channel_seen[c] != 0) {
      vm_channel_show(vm, c);
    }
    if ((what & OUTSIDE_BELL(c)) != 0) {
      ring(vm->index, c);
    }
  }
}
