/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What Weicker's statistics of 1984 say that system programs do, in code of our own: assignments of records, strings
 * copied and compared, integer arithmetic, branches, calls with few parameters; all in a few hundred bytes.
 */
#include "latency/rtos/compute.h"
#include "string.h"

#define ITERATIONS 20000u
#define ROUNDS 3u
#define NAME_LENGTH 31u
#define SLOTS 50u

enum colour { RED, GREEN, BLUE, COLOURS };

struct item {
  struct item *link;
  enum colour colour;
  int32_t value;
  char name[NAME_LENGTH];
};

static struct item first, second;
static int32_t slots[SLOTS];
static char spare[NAME_LENGTH];
static volatile int32_t result; /* keeps the compiler from leaving the work out */

void mixed_task(void *argument);

static __attribute__((noinline)) enum colour next_colour(enum colour colour) {
  return colour == BLUE ? RED : (enum colour)(colour + 1);
}

static __attribute__((noinline)) int32_t weighted(int32_t a, int32_t b, enum colour colour) {
  switch (colour) {
    case RED:
      return a * 3 + b;
    case GREEN:
      return a - b / 7;
    default:
      return b ^ (a << 2);
  }
}

static __attribute__((noinline)) int compare_names(const char *a, const char *b) {
  while (*a != '\0' && *a == *b) {
    a++;
    b++;
  }
  return *a - *b;
}

static __attribute__((noinline)) void copy_name(char *to, const char *from) {
  while ((*to++ = *from++) != '\0') {
  }
}

static __attribute__((noinline)) void update(struct item *item, uint32_t turn) {
  struct item *other = item->link;

  *other = *item; /* a record is assigned as a whole */
  other->link = item;
  other->colour = next_colour(item->colour);
  other->value = weighted(item->value, (int32_t)turn, other->colour);
  slots[turn % SLOTS] = other->value;
  slots[(turn + 7u) % SLOTS] += item->value & 0xff;
}

static void mixed_work(uint32_t iterations) {
  for (uint32_t turn = 0; turn < iterations; turn++) {
    update(&first, turn);
    copy_name(spare, turn % 2u == 0 ? "a name with twenty-six let" : "a name with twenty-six LET");
    if (compare_names(spare, second.name) > 0) {
      first.value += slots[turn % SLOTS] >> 3;
    } else {
      first.value -= 1;
    }
    first.colour = second.colour;
  }
  result = first.value;
}

void mixed_task(void *argument) {
  (void)argument;
  first.link = &second;
  second.link = &first;
  copy_name(first.name, "a name with twenty-six led");
  compute_run("mixed", mixed_work, ITERATIONS, ROUNDS);
}
