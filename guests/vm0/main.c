/* SPDX-License-Identifier: Apache-2.0 */
/* VM0, the management console on UART0 (R3): waits for characters, edits lines, executes them. */
#include "lib/guest.h"
#include "lib/print.h"
#include "lib/vcpu.h"
#include "vm0/command.h"
#include "vm0/line.h"

#define INPUT_CHUNK 32u
#define PROMPT "vm0> "

static struct line line;

static void take_character(char c) {
  enum line_event event = line_feed(&line, c);

  print_bytes(line.echo, line.echo_length);
  if (event == LINE_EDITING) {
    return;
  }
  if (event == LINE_READY) {
    command_execute(line.text);
  }
  line_restart(&line);
  print(PROMPT);
}

/*
 * The VMM printed something over the line: show it again, with the cursor where it was. While other VMs are watched,
 * an empty line is not worth it: there would be a prompt between each two of theirs.
 */
static void redraw(void) {
  if (line.length == 0 && command_is_watching()) {
    return;
  }
  print("\r" PROMPT);
  print_bytes(line.text, line.length);
  for (size_t i = line.cursor; i < line.length; i++) {
    print_bytes("\b", 1);
  }
}

static bool take_input(void) {
  char input[INPUT_CHUNK];
  int32_t count;
  bool taken = false;

  while ((count = vmi_console_read(input, INPUT_CHUNK)) > 0) {
    for (int32_t i = 0; i < count; i++) {
      take_character(input[i]);
    }
    taken = true;
  }
  return taken;
}

void guest_main(const struct vmi_info *info) {
  line_init(&line);
  print("understudy management console, VM %u \"%s\"; try 'help'\n" PROMPT, (unsigned)info->vm, info->name);
  vcpu_enable(VMI_IRQ_CONSOLE);
  (void)vmi_ready();
  for (;;) {
    /* Interrupts stay masked: VMI_WAIT returns at once when a line is pending. */
    (void)vmi_wait();
    (void)vcpu_take_irqs(VMI_IRQ_CONSOLE);
    if (!take_input()) {
      redraw();
    }
  }
}
