// SPDX-License-Identifier: Apache-2.0
// sources: vmm-c/core/channel.c
/* R4: channels between VMs; each side has its own numbering. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/channel.h"
#include "core/config.h"
#include "core/outside.h"
#include "core/virq.h"
#include "core/vm_memory.h"

/* VM 1 has channels to 2, 3 and 2 again. */
const struct channel_config config_channels[] = {{{1, 2}}, {{3, 1}}, {{2, 1}}};
const uint32_t config_channel_count = 3;

struct vm vms[VM_MAX];
static const struct vm_config holding = {.output_commit = true};
static const struct vm_config direct = {.output_commit = false};

static unsigned shown; /* bit c: page of channel c of the VM that commits */

void vm_channel_show(const struct vm *vm, unsigned c) {
  assert_int_not_equal(vm->channel_seen[c], 0);
  shown |= 1u << c;
}

static unsigned raised_vm;
static uint32_t raised_lines;

void virq_raise(unsigned vm, uint32_t lines) {
  raised_vm = vm;
  raised_lines = lines;
}

static void expect_peer(unsigned vm, unsigned c, unsigned peer_vm, unsigned peer_channel) {
  unsigned other_vm;
  unsigned other_channel;
  assert_true(channel_peer(vm, c, &other_vm, &other_channel));
  assert_int_equal(other_vm, peer_vm);
  assert_int_equal(other_channel, peer_channel);
  assert_int_equal(channel_notify(&vms[vm], c), VMI_OK);
  assert_int_equal(raised_vm, peer_vm);
  assert_int_equal(raised_lines, VMI_IRQ_CHANNEL(peer_channel));
}

static void test_both_sides_find_each_other(void **state) {
  (void)state;
  expect_peer(1, 0, 2, 0);
  expect_peer(2, 0, 1, 0);
  expect_peer(1, 1, 3, 0);
  expect_peer(3, 0, 1, 1);
  expect_peer(1, 2, 2, 1);
  expect_peer(2, 1, 1, 2);
}

static void test_unknown_channels_are_refused(void **state) {
  (void)state;
  static const unsigned limits[] = {0, 3, 2, 1};
  for (unsigned vm = 0; vm < 4; vm++) {
    unsigned a;
    unsigned b;
    assert_int_equal(channel_count(vm), limits[vm]);
    raised_lines = 0;
    assert_false(channel_peer(vm, limits[vm], &a, &b));
    assert_int_equal(channel_notify(&vms[vm], limits[vm]), VMI_ENOENT);
    assert_int_equal(channel_notify(&vms[vm], 0xffffffff), VMI_ENOENT);
    assert_int_equal(raised_lines, 0);
  }
}

static void test_info_page(void **state) {
  (void)state;
  struct vmi_info info = {0};
  channel_info(1, &info);
  assert_int_equal(info.channel_count, 3);
  assert_int_equal(info.channel[1].peer, 3);
  assert_int_equal(info.channel[1].out_page, 0x01012000);
  assert_int_equal(info.channel[1].in_page, 0x01013000);
  assert_int_equal(info.channel[3].out_page, 0);
}

/* D9: a bell is heard, and a page is seen, when the sender is checkpointed; once. */
static void test_held_bells_and_pages(void **state) {
  (void)state;
  struct vm *vm = &vms[1];
  vm->config = &holding;
  vm->tracked = true;
  raised_lines = 0;
  assert_int_equal(channel_notify(vm, 1), VMI_OK);
  assert_int_equal(channel_notify(vm, 1), VMI_OK);
  assert_int_equal(raised_lines, 0);
  assert_int_equal(vm->outside, OUTSIDE_BELL(1));
  assert_int_equal(vm->unsaved, 1); /* no fast path may take the checkpoint */
  vm->channel_seen[0] = 0x1000;
  vm->channel_seen[2] = 0x2000;
  channel_commit(vm, OUTSIDE_BELL(1) | OUTSIDE_PAGE(0) | OUTSIDE_PAGE(2));
  assert_int_equal(raised_vm, 3);
  assert_int_equal(raised_lines, VMI_IRQ_CHANNEL(0));
  assert_int_equal(shown, 1u << 0 | 1u << 2);
}

/* Without checkpoints, or by choice, nothing is held. */
static void test_bells_that_are_not_held(void **state) {
  (void)state;
  struct vm *vm = &vms[1];
  for (unsigned i = 0; i < 2; i++) {
    vm->config = i == 0 ? &direct : &holding;
    vm->tracked = i == 0;
    raised_lines = 0;
    assert_int_equal(channel_notify(vm, 1), VMI_OK);
    assert_int_equal(raised_lines, VMI_IRQ_CHANNEL(0));
    assert_int_equal(vm->outside, 0);
  }
}

static int fresh(void **state) {
  (void)state;
  vms[1] = (struct vm){.index = 1, .config = &direct};
  shown = 0;
  return 0;
}

static int setup(void **state) {
  (void)state;
  for (unsigned i = 0; i < VM_MAX; i++) {
    vms[i] = (struct vm){.index = (uint8_t)i, .config = &direct};
  }
  channel_init();
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_both_sides_find_each_other),
      cmocka_unit_test(test_unknown_channels_are_refused),
      cmocka_unit_test(test_info_page),
      cmocka_unit_test_setup(test_held_bells_and_pages, fresh),
      cmocka_unit_test_setup(test_bells_that_are_not_held, fresh),
  };
  return cmocka_run_group_tests(tests, setup, NULL);
}
