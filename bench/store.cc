// SPDX-License-Identifier: Apache-2.0
//
// The store beside the disk it lies on: put, get and a second put of memory that has changed a
// little; single pages.
//
// usage: store-bench DIRECTORY [MEGABYTES [FILE]]
//
// Contents are random, which nothing compresses, and what the beginning of FILE is: memory of a
// real program (bench/memory).
//
// Prints for each kind of contents: time and CPU time of each operation, GB/s, bytes stored, and
// the time that writing the same bytes with fsync takes, in the same run.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "store/checkpoint_store.h"

namespace {

namespace fs = std::filesystem;
using reprise::store::CheckpointStore;

constexpr std::size_t kPage = 4096;

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Cost {
  double wall = 0;
  double cpu = 0;
};

Cost measure(const std::function<void()>& what) {
  const auto begin = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  what();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
          cpu_seconds() - cpu};
}

void show(const char* what, const Cost& cost, std::size_t bytes) {
  const double gigabytes = static_cast<double>(bytes) / 1e9;
  std::printf("  %-22s %7.2f s  %6.2f GB/s  %6.2f GB per CPU second\n", what, cost.wall,
              gigabytes / cost.wall, gigabytes / cost.cpu);
}

template <typename T>
T value(reprise::base::Result<T> result) {
  if (!result) {
    std::fprintf(stderr, "store-bench: %s\n", result.error().details().c_str());
    std::exit(1);
  }
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// Of pages that nobody read before, one after the other; decompressed and decrypted.
void show_single_pages(CheckpointStore& store, const reprise::base::CheckpointId& id,
                       std::size_t bytes) {
  constexpr std::size_t kReads = 1000;
  auto reader = value(store.open(id));
  std::mt19937_64 random(11);  // NOLINT: the same in every run
  std::vector<double> times;
  std::vector<std::byte> page(kPage);
  for (std::size_t i = 0; i < kReads; ++i) {
    const std::uint64_t offset = random() % (bytes / kPage) * kPage;
    times.push_back(
        measure([&] { value(reader->pages().read("pages-1.img", offset, page)); }).wall);
  }
  std::ranges::sort(times);
  std::printf("  one random page        %.2f ms; 1 of 100 takes longer than %.2f ms\n",
              times[kReads / 2] * 1e3, times[kReads * 99 / 100] * 1e3);
}

std::vector<char> noise(std::size_t bytes) {
  std::mt19937_64 random(7);  // NOLINT: the same in every run
  std::vector<char> memory(bytes);
  for (std::size_t i = 0; i < bytes; i += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(&memory[i], &word, sizeof word);
  }
  return memory;
}

std::vector<char> beginning_of(const char* file, std::size_t bytes) {
  std::vector<char> memory(bytes);
  if (!std::ifstream(file, std::ios::binary).read(memory.data(), static_cast<long>(bytes))) {
    std::fprintf(stderr, "store-bench: '%s' cannot be read, or has less than %zu bytes\n", file,
                 bytes);
    std::exit(1);
  }
  return memory;
}

void write_file(const fs::path& file, const std::vector<char>& bytes, bool sync) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t n = ::write(fd, bytes.data() + done, bytes.size() - done);
    if (n <= 0) std::perror("writing"), std::exit(1);
    done += static_cast<std::size_t>(n);
  }
  if (sync && ::fsync(fd) != 0) std::perror("syncing"), std::exit(1);
  ::close(fd);
}

reprise::base::CheckpointId put(CheckpointStore& store, const std::vector<char>& memory,
                                const char* name) {
  auto writer = value(store.begin({.in_files = memory.size(), .waiting = true}));
  write_file(writer->pages().spool() / "pages-1.img", memory, false);
  const Cost cost = measure([&] {
    value(writer->pages().absorb());
    value(writer->seal({.key = reprise::base::ContainerKey("bench")}));
  });
  show(name, cost, memory.size());
  show("  then the index", measure([&] { value(writer->settle()); }), memory.size());
  return writer->id();
}

// In a process of its own, which has nothing else in memory: what a writer needs for the file
// DIRECTORY/raw.
int put_alone(const fs::path& directory) {
  auto store =
      value(reprise::store::open_store(reprise::store::StoreConfig::at(directory / "store")));
  auto writer = value(store->begin({.waiting = true}));
  fs::rename(directory / "raw", writer->pages().spool() / "pages-1.img");
  value(writer->pages().absorb());
  value(writer->seal({.key = reprise::base::ContainerKey("bench")}));
  value(writer->settle());
  // Not getrusage(), which remembers what was before the exec.
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:"))
      std::printf("  peak memory of a writer %5.1f MB\n", std::stod(line.substr(6)) * 1.024e-3);
  return 0;
}

void show_memory(const fs::path& directory) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/proc/self/exe", "store-bench", "--put", directory.c_str(), nullptr);
    ::_exit(127);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) std::perror("the writer"), std::exit(1);
}

void run(const fs::path& directory, std::vector<char> memory, const char* name) {
  const std::size_t bytes = memory.size();
  std::printf("%s contents, %zu MB\n", name, bytes / 1'000'000);
  ::setenv("REPRISE_KEY_FILE", (directory / "key").c_str(), 1);
  auto store =
      value(reprise::store::open_store(reprise::store::StoreConfig::at(directory / "store")));
  show("raw write and fsync", measure([&] { write_file(directory / "raw", memory, true); }), bytes);
  // Before anything is stored: all of it is new.
  show_memory(directory);
  for (const auto& id : value(store->list())) value(store->remove(id));
  value(store->collect(std::chrono::seconds(10)));
  const auto first = put(*store, memory, "put");
  const auto before = value(store->use()).stored_bytes;
  std::printf("  stored                 %.1f %%\n",
              100.0 * static_cast<double>(before) / static_cast<double>(bytes));
  // The first time from the disk: what is put goes past the kernel's cache.
  for (const char* how : {"get, from the disk", "get, warm"}) {
    auto reader = value(store->open(first));
    show(how, measure([&] { value(reader->pages().materialize()); }), bytes);
  }
  show_single_pages(*store, first, bytes);
  for (std::size_t page = 0; page < bytes; page += 20 * kPage) memory[page] ^= 1;
  put(*store, memory, "put, 5 % changed");
  std::printf("  stored by it           %.1f %% of the first\n",
              100.0 * static_cast<double>(value(store->use()).stored_bytes - before) /
                  static_cast<double>(before));
  fs::remove_all(directory / "store");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: store-bench DIRECTORY [MEGABYTES [FILE]]\n", stderr);
    return 2;
  }
  if (argc == 3 && std::strcmp(argv[1], "--put") == 0) return put_alone(argv[2]);
  const std::size_t bytes = (argc > 2 ? std::stoul(argv[2]) : 2000) * 1'000'000 / kPage * kPage;
  run(argv[1], noise(bytes), "random");
  if (argc > 3) run(argv[1], beginning_of(argv[3], bytes), "realistic");
}
