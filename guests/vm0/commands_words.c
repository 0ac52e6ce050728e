/* SPDX-License-Identifier: Apache-2.0 */
/* Last words: what a VM wrote before a fault, and what was dropped with its state (D9). */
#include "lib/print.h"
#include "lib/vmi_manage.h"
#include "vm0/command.h"
#include "vm0/lookup.h"

/* Each line is marked; control characters of a guest must not reach the terminal. */
static void print_marked(const struct vmi_vm_words *words) {
  bool fresh = true;

  for (uint32_t i = 0; i < words->length; i++) {
    char ch = words->text[i];

    if (fresh) {
      print("   | ");
    }
    fresh = ch == '\n';
    if (ch != '\r') {
      print("%c", (ch < ' ' || ch > '~') && !fresh ? '.' : ch);
    }
  }
  if (!fresh) {
    print("\n");
  }
}

static void print_words(const struct vmi_vm_words *words) {
  print("   last words, uncommitted, %u bytes dropped with it:\n", (unsigned)words->dropped);
  print_marked(words);
}

void print_vm_words(uint32_t vm, uint32_t fault) {
  struct vmi_vm_words words;

  if (vmi_vm_words(vm, &words) == VMI_OK && words.fault == fault) {
    print_words(&words);
  }
}

void command_lastwords(const struct words *arguments) {
  struct vmi_vm_words words;
  uint32_t vm;

  if (!lookup_vm(arguments->word[0], arguments->word[1], &vm)) {
    return;
  }
  if (vmi_vm_words(vm, &words) != VMI_OK) {
    print("%s: none, all that it wrote has left, or will\n", vm_name(vm));
    return;
  }
  print("%s: fault #%u\n", vm_name(vm), (unsigned)words.fault);
  print_words(&words);
}
