// SPDX-License-Identifier: Apache-2.0
#include "core/channel.h"

#include "core/config.h"
#include "core/virq.h"

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

int32_t channel_notify(unsigned vm, unsigned c) {
  unsigned peer_vm;
  unsigned peer_channel;
  if (!channel_peer(vm, c, &peer_vm, &peer_channel)) {
    return VMI_ENOENT;
  }
  virq_raise(peer_vm, VMI_IRQ_CHANNEL(peer_channel));
  return VMI_OK;
}
