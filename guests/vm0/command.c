/* SPDX-License-Identifier: Apache-2.0 */
#include "vm0/command.h"

#include "lib/print.h"

static command_handler command_help;

static const struct command commands[] = {
    {"help", "[COMMAND]", "this list, or the use of one command", 0, 1, command_help},
    {"list", "", "the VMs: state, guest, priority, tasks, memory", 0, 0, command_list},
    {"guests", "", "the guest images in this system", 0, 0, command_guests},
    {"boot", "VM", "create the VM if it is empty, and start it", 1, 1, command_boot},
    {"create", "VM [GUEST]", "load its guest, or another one, into an empty VM", 1, 2, command_create},
    {"start", "VM", "start a created VM; a stopped one starts anew", 1, 1, command_start},
    {"stop", "VM", "stop a VM; its memory stays until it is started or destroyed", 1, 1, command_stop},
    {"pause", "VM", "take a running VM off the CPU", 1, 1, command_pause},
    {"resume", "VM", "let a paused VM go on", 1, 1, command_resume},
    {"destroy", "VM", "stop a VM and free its memory", 1, 1, command_destroy},
    {"takeover", "VM", "let the standby of a VM take its place", 1, 1, command_takeover},
    {"stats", "[VM]", "switches, checkpoints, faults, recoveries", 0, 1, command_stats},
    {"tasks", "VM", "the tasks of a VM", 1, 1, command_tasks},
    {"faults", "[VM | last N]", "the fault log", 0, 2, command_faults},
    {"blackbox", "", "the faults of the lives before the last reset of the board", 0, 0, command_blackbox},
    {"lastwords", "VM", "what a VM wrote before a fault and that never left", 1, 1, command_lastwords},
    {"checkpoint", "VM", "take a checkpoint of a VM now", 1, 1, command_checkpoint},
    {"rollback", "VM [TASK]", "restore a VM, or one task, from the last checkpoint", 1, 2, command_rollback},
    {"policy", "VM [CHANGE]", "what is done about faults, and how to change it", 1, 6, command_policy},
    {"scrub", "", "the background check of text and constants", 0, 0, command_scrub},
    {"log", "VM [LINES]", "the last lines a VM has written (20)", 1, 2, command_log},
    {"watch", "[VM... | all | off]", "show the output of these VMs here as it comes", 0, WORDS_MAX, command_watch},
    {"version", "", "versions of the VMI and of this console", 0, 0, command_version},
    {"shutdown", "", "stop the whole system", 0, 0, command_shutdown},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const char *command_name_at(const void *context, size_t index) {
  (void)context;
  return commands[index].name;
}

static const struct command *find_command(const char *word) {
  const struct names names = {COMMAND_COUNT, command_name_at, NULL};
  uint32_t index;

  if (*word < 'a' || *word > 'z') {
    print("%s: not a command; try 'help'\n", word); /* in particular no number */
    return NULL;
  }
  switch (find_name(&names, word, &index)) {
    case FIND_ONE:
      return &commands[index];
    case FIND_SEVERAL:
      print("%s: the beginning of more than one command; try 'help'\n", word);
      return NULL;
    default:
      print("%s: not a command; try 'help'\n", word);
      return NULL;
  }
}

static void command_help(const struct words *words) {
  if (words->count > 1) {
    const struct command *command = find_command(words->word[1]);

    if (command != NULL) {
      print("%s %s\n  %s\n", command->name, command->arguments, command->help);
    }
    return;
  }
  for (size_t i = 0; i < COMMAND_COUNT; i++) {
    print("  %-10s %-19s  %s\n", commands[i].name, commands[i].arguments, commands[i].help);
  }
  print("A VM is its name, its number, or the beginning of its name.\n");
}

void command_execute(char *text) {
  struct words words;
  const struct command *command;

  if (!parse_words(text, &words)) {
    print("more than %u words in one line\n", (unsigned)WORDS_MAX);
    return;
  }
  if (words.count == 0) {
    return;
  }
  command = find_command(words.word[0]);
  if (command == NULL) {
    return;
  }
  words.word[0] = command->name;
  if (words.count - 1 < command->arguments_min || words.count - 1 > command->arguments_max) {
    print("usage: %s%s%s\n", command->name, command->arguments[0] != 0 ? " " : "", command->arguments);
    return;
  }
  command->handler(&words);
}
