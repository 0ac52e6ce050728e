/* SPDX-License-Identifier: Apache-2.0 */
/*
 * D9: two VMs over a channel while both are rolled back again and again, at moments that depend on the time, which no rollback
 * sets back. So is what the asker sends: after a rollback it says something else. The answerer sends back a function of each
 * word; an answer to a word that was taken back, or one that is lost or comes twice, is a wrong answer. Neither says anything
 * else than its end, since text makes no difference here.
 */
#include "fail_once.h"
#include "lib/channel.h"
#include "lib/guest.h"
#include "report.h"

#define CHANNEL 0u
#define WORDS 3000u
#define FAULT_EVERY 60u /* words that are sent or received */

static uint32_t sent[CHANNEL_RING_WORDS]; /* those without an answer */

static void wait_for_bell(void) {
  (void)vmi_channel_notify(CHANNEL);
  (void)vmi_wait();
  (void)vcpu_take_irqs(VMI_IRQ_CHANNEL(CHANNEL));
}

static void send(uint32_t word) {
  while (!channel_send(CHANNEL, word)) {
    wait_for_bell();
  }
  fail_once(FAULT_EVERY);
}

static uint32_t receive(void) {
  uint32_t word;

  while (!channel_receive(CHANNEL, &word)) {
    wait_for_bell();
  }
  fail_once(FAULT_EVERY);
  return word;
}

static void ask(void) {
  struct report report = {"channel.ask", 0, 0};
  uint32_t answered = 0;

  for (uint32_t asked = 0; answered < WORDS; asked++) {
    uint32_t burst = fail_random() % CHANNEL_RING_WORDS;

    if (asked < WORDS) {
      sent[asked % CHANNEL_RING_WORDS] = fail_random();
      send(sent[asked % CHANNEL_RING_WORDS]);
    }
    while (answered < asked && (asked >= WORDS || asked - answered > burst)) {
      uint32_t answer = receive();

      report_equal(&report, "answer", answer, ~sent[answered % CHANNEL_RING_WORDS]);
      answered++;
    }
  }
  report_end(&report);
}

static void answer(void) {
  for (uint32_t n = 0; n < WORDS; n++) {
    send(~receive());
  }
  (void)vmi_channel_notify(CHANNEL);
  report_pass("channel.answer");
}

void guest_main(const struct vmi_info *info) {
  vcpu_enable(VMI_IRQ_CHANNEL(CHANNEL));
  if (info->vm < info->channel[CHANNEL].peer) {
    ask();
  } else {
    answer();
  }
  report_done();
}
