/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the TOML for fault classes and actions. Pure: also compiled on the host for its tests. */
#ifndef VM0_POLICY_WORDS_H
#define VM0_POLICY_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "vmi.h"

/* class < VMI_CLASS_COUNT, action < VMI_ACTION_COUNT */
const char *class_word(uint32_t class);
const char *action_word(uint32_t action);

/* A word, or its unique beginning; false: none, or more than one. */
bool find_class(const char *word, uint32_t *class);
bool find_action(const char *word, uint32_t *action);

#endif
