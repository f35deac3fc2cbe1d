// SPDX-License-Identifier: Apache-2.0
//
// What is checkpointed in the benchmarks: a live process of a known size that shows, from inside,
// when it did not run. Static, so that an image of this one file is enough.
//
//   workload tick LOG MEGABYTES random|repeated
//     Fills its memory, then appends a record to LOG every millisecond until SIGTERM ends it, while
//     a second thread goes on writing to the memory, a page per millisecond. `random` pages cannot
//     be compressed or shared; of the `repeated` ones each is one word over and over.
//   workload exit
//     Does nothing.
//
// A record is three 64-bit numbers, little endian: the tick's number, CLOCK_REALTIME and
// CLOCK_MONOTONIC in nanoseconds. Numbers start at 0, so one life shows as one unbroken row.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { kPageSize = 4096, kWordsPerPage = kPageSize / sizeof(uint64_t) };
static const struct timespec kTick = {.tv_sec = 0, .tv_nsec = 1000000};

struct Memory {
  uint64_t* words;
  size_t pages;
};

struct Record {
  uint64_t number;
  uint64_t realtime_ns;
  uint64_t monotonic_ns;
};

static void die(const char* what) {
  perror(what);
  exit(1);
}

// Marsaglia's xorshift64*.
static uint64_t next_random(uint64_t* state) {
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * 0x2545F4914F6CDD1DULL;
}

static uint64_t now_ns(clockid_t clock) {
  struct timespec now;
  if (clock_gettime(clock, &now) != 0) die("clock_gettime");
  return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static struct Memory fill_memory(size_t megabytes, const char* content) {
  const size_t bytes = megabytes * 1000000 / kPageSize * kPageSize;
  uint64_t* words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (words == MAP_FAILED) die("mmap");
  const int repeated = strcmp(content, "repeated") == 0;
  // Differs between processes, so that no tool can profit from what it saw of another.
  uint64_t random = now_ns(CLOCK_REALTIME) | 1;
  for (size_t page = 0; page < bytes / kPageSize; ++page) {
    uint64_t word = next_random(&random);
    for (size_t i = 0; i < kWordsPerPage; ++i) {
      words[page * kWordsPerPage + i] = word;
      if (!repeated) word = next_random(&random);
    }
  }
  return (struct Memory){.words = words, .pages = bytes / kPageSize};
}

static void* write_pages(void* argument) {
  const struct Memory* memory = argument;
  uint64_t random = now_ns(CLOCK_REALTIME) | 1;
  for (;;) {
    const uint64_t value = next_random(&random);
    memory->words[value % memory->pages * kWordsPerPage] = value;
    nanosleep(&kTick, NULL);
  }
  return NULL;
}

// As process 1 of a container it would not be ended by SIGTERM without a handler.
static void end(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void tick(const char* log) {
  const int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) die(log);
  for (uint64_t number = 0;; ++number) {
    const struct Record record = {number, now_ns(CLOCK_REALTIME), now_ns(CLOCK_MONOTONIC)};
    if (write(fd, &record, sizeof record) != (ssize_t)sizeof record) die("writing the log");
    // Relative: after a pause it must not tick faster to make up for it.
    nanosleep(&kTick, NULL);
  }
}

int main(int argc, char** argv) {
  if (argc == 2 && strcmp(argv[1], "exit") == 0) return 0;
  if (argc != 5 || strcmp(argv[1], "tick") != 0) {
    fprintf(stderr, "usage: workload tick LOG MEGABYTES random|repeated | workload exit\n");
    return 2;
  }
  if (signal(SIGTERM, end) == SIG_ERR) die("signal");
  struct Memory memory = fill_memory(strtoul(argv[3], NULL, 10), argv[4]);
  if (memory.pages == 0) {
    fprintf(stderr, "workload: no memory asked for\n");
    return 2;
  }
  pthread_t writer;
  if (pthread_create(&writer, NULL, write_pages, &memory) != 0) die("pthread_create");
  tick(argv[2]);
}
