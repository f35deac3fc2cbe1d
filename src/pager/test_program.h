// SPDX-License-Identifier: Apache-2.0
//
// For tests: a program whose memory is missing, as CRIU leaves one, and what it should find there.
#pragma once

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>
#include <thread>

#include "image/page_sink.h"
#include "pager/missing_pages.h"
#include "sys/process.h"
#include "sys/unique_fd.h"

namespace reprise::pager {

// Each eight bytes of a saved page tell where it was in the file.
inline std::uint64_t saved_word(std::uint64_t offset) { return offset * 0x9E3779B97F4A7C15U + 1; }

class PatternSource final : public image::PageSource {
 public:
  using image::PageSource::materialize;
  base::Result<std::filesystem::path> materialize(const Wanted&) override {
    return std::filesystem::path();
  }
  base::Result<void> read(std::string_view, std::uint64_t offset,
                          std::span<std::byte> out) override {
    ++reads;
    if (fails.load()) return base::fail(base::ErrorCode::kIo, "the disk does not answer");
    for (std::size_t i = 0; i < out.size(); i += sizeof(std::uint64_t)) {
      const std::uint64_t word = saved_word((offset + i) / kPageBytes * kPageBytes);
      std::memcpy(&out[i], &word, sizeof word);
    }
    return {};
  }
  std::atomic<bool> fails{false};
  std::atomic<int> reads{0};
};

// Memory of `pages` pages that waits to be filled, in a child process which runs `program` there
// once it is told, and exits with what that returns.
class TestProgram {
 public:
  using Main = std::function<int(std::byte* memory, std::size_t pages)>;

  TestProgram(std::size_t pages, const Main& program) {
    int told[2] = {-1, -1};
    int go[2] = {-1, -1};
    if (::pipe2(told, O_CLOEXEC) != 0 || ::pipe2(go, O_CLOEXEC) != 0) return;
    go_ = sys::UniqueFd(go[1]);
    const sys::UniqueFd read_go(go[0]);
    sys::UniqueFd write_told(told[1]);
    const sys::UniqueFd read_told(told[0]);
    pid_ = ::fork();
    if (pid_ == 0) {
      go_.reset();
      run(pages, program, write_told.get(), read_go.get());
    }
    write_told.reset();
    Prepared prepared;
    if (::read(read_told.get(), &prepared, sizeof prepared) != sizeof prepared) return;
    address_ = prepared.address;
    if (auto fd = sys::copy_descriptor(pid_, prepared.fd)) fd_ = std::move(*fd);
    // It closes its own, as CRIU does.
    (void)::write(go_.get(), "c", 1);
  }
  TestProgram(const TestProgram&) = delete;
  TestProgram& operator=(const TestProgram&) = delete;
  TestProgram(TestProgram&&) = delete;
  TestProgram& operator=(TestProgram&&) = delete;
  ~TestProgram() {
    if (pid_ <= 0 || abandoned_) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] bool waits() const { return fd_.valid(); }
  [[nodiscard]] std::uint64_t address() const { return address_; }
  [[nodiscard]] sys::UniqueFd take_descriptor() { return std::move(fd_); }
  [[nodiscard]] pid_t pid() const { return pid_; }
  // Not to be ended by this process, which inherited it.
  void abandon() {
    go_.reset();
    abandoned_ = true;
  }
  void go() { (void)::write(go_.get(), "g", 1); }
  // Its exit status; 1000 + signal if it was killed.
  int wait() {
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
  }

 private:
  struct Prepared {
    int fd = -1;
    std::uint64_t address = 0;
  };

  [[noreturn]] static void run(std::size_t pages, const Main& program, int told, int go) {
    const std::size_t bytes = pages * kPageBytes;
    void* memory =
        ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const int fd = static_cast<int>(::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK));
    uffdio_api api{.api = UFFD_API,
                   .features = UFFD_FEATURE_EVENT_FORK | UFFD_FEATURE_EVENT_REMAP |
                               UFFD_FEATURE_EVENT_UNMAP | UFFD_FEATURE_EVENT_REMOVE,
                   .ioctls = 0};
    uffdio_register range{
        .range = {.start = reinterpret_cast<std::uintptr_t>(memory), .len = bytes},
        .mode = UFFDIO_REGISTER_MODE_MISSING,
        .ioctls = 0};
    if (fd < 0 || ::ioctl(fd, UFFDIO_API, &api) != 0 || ::ioctl(fd, UFFDIO_REGISTER, &range) != 0)
      ::_exit(99);
    const Prepared prepared{.fd = fd, .address = range.range.start};
    char byte = 0;
    if (::write(told, &prepared, sizeof prepared) != sizeof prepared || ::read(go, &byte, 1) != 1)
      ::_exit(98);
    ::close(fd);
    if (::read(go, &byte, 1) != 1) ::_exit(97);
    ::_exit(program(static_cast<std::byte*>(memory), pages));
  }

  pid_t pid_ = 0;
  bool abandoned_ = false;
  std::uint64_t address_ = 0;
  sys::UniqueFd fd_;
  sys::UniqueFd go_;
};

inline std::uint64_t word_at(const std::byte* place) {
  std::uint64_t word = 0;
  std::memcpy(&word, place, sizeof word);
  return word;
}

}  // namespace reprise::pager
