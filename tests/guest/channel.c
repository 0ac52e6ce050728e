/* SPDX-License-Identifier: Apache-2.0 */
/*
 * R4: two VMs over a channel. The lower VM number sends a sequence, the other one sends back a function of each word; both
 * check everything. Doorbells wake them from VMI_WAIT.
 */
#include "lib/channel.h"

#include "lib/guest.h"
#include "lib/vcpu.h"
#include "report.h"

#define CHANNEL 0u
#define WORDS 5000u
#define BURST 1200u /* half of it is on its way at a time: more than one ring holds */

static uint32_t word_number(uint32_t n) {
  return n * 2654435761u;
}

static uint32_t reply_to(uint32_t word) {
  return ~word;
}

static void wait_for_bell(void) {
  (void)vmi_wait();
  (void)vcpu_take_irqs(VMI_IRQ_CHANNEL(CHANNEL));
}

static void send(uint32_t word) {
  while (!channel_send(CHANNEL, word)) {
    (void)vmi_channel_notify(CHANNEL);
    wait_for_bell();
  }
}

static uint32_t receive(void) {
  uint32_t word;

  while (!channel_receive(CHANNEL, &word)) {
    (void)vmi_channel_notify(CHANNEL); /* the peer may wait for room */
    wait_for_bell();
  }
  return word;
}

static void ask(void) {
  struct report report = {"channel.ask", 0, 0};

  for (uint32_t sent = 0; sent < WORDS; sent += BURST) {
    for (uint32_t n = sent; n < sent + BURST; n++) {
      send(word_number(n));
      if (n >= sent + BURST / 2) {
        report_equal(&report, "reply", receive(), reply_to(word_number(n - BURST / 2)));
      }
    }
    for (uint32_t n = sent + BURST / 2; n < sent + BURST; n++) {
      report_equal(&report, "reply", receive(), reply_to(word_number(n)));
    }
  }
  report_end(&report);
}

static void answer(void) {
  struct report report = {"channel.answer", 0, 0};
  const uint32_t words = (WORDS + BURST - 1) / BURST * BURST;

  for (uint32_t n = 0; n < words; n++) {
    uint32_t word = receive();

    report_equal(&report, "word", word, word_number(n));
    send(reply_to(word));
  }
  (void)vmi_channel_notify(CHANNEL);
  report_end(&report);
}

static void test_information(const struct vmi_info *info) {
  struct report report = {"channel.information", 0, 0};

  report_equal(&report, "channels", info->channel_count, 1);
  report_equal(&report, "peer", info->channel[CHANNEL].peer, 3 - info->vm);
  report_equal(&report, "out page", info->channel[CHANNEL].out_page, VMI_CHANNEL_BASE);
  report_equal(&report, "in page", info->channel[CHANNEL].in_page, VMI_CHANNEL_BASE + VMI_PAGE_SIZE);
  report_equal(&report, "a channel that is not there", (uint32_t)vmi_channel_notify(1), (uint32_t)VMI_ENOENT);
  report_equal(&report, "a huge channel", (uint32_t)vmi_channel_notify(0x80000000u), (uint32_t)VMI_ENOENT);
  report_end(&report);
}

void guest_main(const struct vmi_info *info) {
  test_information(info);
  vcpu_enable(VMI_IRQ_CHANNEL(CHANNEL));
  if (info->vm < info->channel[CHANNEL].peer) {
    ask();
  } else {
    answer();
  }
  report_done();
}
