/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the management console. A command is one entry of the table in command.c and one handler. */
#ifndef VM0_COMMAND_H
#define VM0_COMMAND_H

#include "vm0/parse.h"

/* words->word[0] is the full name of the command; the number of words was checked against the table. */
typedef void command_handler(const struct words *words);

struct command {
  const char *name;
  const char *arguments; /* for help */
  const char *help;
  size_t arguments_min;
  size_t arguments_max;
  command_handler *handler;
};

/* Executes one line (changed in place); prints what is wrong with it, if anything is. */
void command_execute(char *text);

/* commands_vm.c: the life of a VM */
command_handler command_list, command_guests, command_create, command_boot, command_start, command_stop, command_pause,
    command_resume, command_destroy, command_takeover;
/* commands_info.c */
command_handler command_stats, command_tasks;
/* commands_log.c: output of guests */
command_handler command_log, command_watch;
bool command_is_watching(void);
/* commands_fault.c: faults and recovery */
command_handler command_faults, command_blackbox, command_checkpoint, command_rollback;
/* commands_policy.c: what is done about faults */
command_handler command_policy;
/* commands_scrub.c */
command_handler command_scrub;
/* commands_words.c */
command_handler command_lastwords;
/* Prints those that belong to the fault with this sequence number, if there are any. */
void print_vm_words(uint32_t vm, uint32_t fault);
/* commands_system.c */
command_handler command_version, command_shutdown;

#endif
