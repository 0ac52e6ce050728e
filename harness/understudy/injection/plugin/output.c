/* SPDX-License-Identifier: Apache-2.0 */
#include "output.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "experiment.h"

enum { UART_MAX = sizeof((struct report){0}.uart) / sizeof(uint32_t), DESCRIPTORS = 1024 };

static struct uart {
  const char *path;
  int ours;    /* to read what was sent */
  int theirs;  /* of QEMU; the position in the file is shared by all forked processes */
  off_t start; /* where the output of the experiment begins */
} uarts[UART_MAX];
static size_t count;

void output_add(const char *path) {
  if (count < UART_MAX) {
    uarts[count++].path = strdup(path);
  }
}

/* QEMU has opened the files by itself; which descriptors they have got, Linux knows. */
static int descriptor_of(const char *path) {
  struct stat wanted;
  struct stat found;
  if (stat(path, &wanted) != 0) {
    return -1;
  }
  for (int fd = 3; fd < DESCRIPTORS; fd++) {
    if (fstat(fd, &found) == 0 && found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino) {
      return fd;
    }
  }
  return -1;
}

const char *output_open(void) {
  for (size_t i = 0; i < count; i++) {
    uarts[i].theirs = descriptor_of(uarts[i].path);
    uarts[i].ours = open(uarts[i].path, O_RDONLY | O_CLOEXEC);
    if (uarts[i].theirs < 0 || uarts[i].ours < 0) {
      return "a UART has no file";
    }
  }
  return NULL;
}

void output_begin(void) {
  for (size_t i = 0; i < count; i++) {
    uarts[i].start = lseek(uarts[i].theirs, 0, SEEK_CUR);
  }
}

static uint32_t size_of(const struct uart *uart) {
  return (uint32_t)(lseek(uart->theirs, 0, SEEK_CUR) - uart->start);
}

size_t output_sizes(uint8_t *to) {
  for (size_t i = 0; i < count; i++) {
    uint32_t size = size_of(&uarts[i]);
    memcpy(to + i * sizeof size, &size, sizeof size);
  }
  return count * sizeof(uint32_t);
}

size_t output_collect(uint8_t *report, size_t at) {
  struct report head;
  memcpy(&head, report, sizeof head);
  for (size_t i = 0; i < count; i++) {
    size_t size = size_of(&uarts[i]);
    size = size < REPORT_MAX - at ? size : REPORT_MAX - at;
    ssize_t done = pread(uarts[i].ours, report + at, size, uarts[i].start);
    head.uart[i] = done > 0 ? (uint32_t)done : 0;
    at += head.uart[i];
  }
  memcpy(report, &head, sizeof head);
  return at;
}

bool output_forget(void) {
  for (size_t i = 0; i < count; i++) {
    if (ftruncate(uarts[i].theirs, uarts[i].start) != 0 || lseek(uarts[i].theirs, uarts[i].start, SEEK_SET) < 0) {
      return false;
    }
  }
  return true;
}
