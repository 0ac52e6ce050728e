/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks a list of 16 nodes once per tick and prints `lw <n> <sum>`. Node i adds i + 1 to its value at each visit, so the sum is
 * 136 * (n + 1). The pointers of the list are changed by nobody, but lie in pages that can be written: those in the
 * nodes in one that is written at each visit, those in `first` in one that never is.
 */
#include "print.h"
#include "ucos_ii.h"

#define NODES 16u
#define PAGE 4096

struct node {
  struct node *volatile next;
  uint32_t value;
  uint32_t step;
};

struct node walker_nodes[NODES] __attribute__((aligned(PAGE)));
struct node *volatile walker_first[PAGE / 4] __attribute__((aligned(PAGE))) = {walker_nodes};

void walker_task(void *argument);
uint32_t walker_visit(struct node *node);

__attribute__((noinline)) uint32_t walker_visit(struct node *node) {
  node->value += node->step;
  return node->value;
}

void walker_task(void *argument) {
  (void)argument;
  for (uint32_t i = 0; i < NODES; i++) {
    walker_nodes[i].next = i + 1u < NODES ? &walker_nodes[i + 1u] : NULL;
    walker_nodes[i].step = i + 1u;
  }
  for (uint32_t n = 0;; n++) {
    uint32_t sum = 0;

    for (struct node *node = walker_first[0]; node != NULL; node = node->next) {
      sum += walker_visit(node);
    }
    print("lw %lu %lx\n", (unsigned long)n, (unsigned long)sum);
    OSTimeDly(1);
  }
}
