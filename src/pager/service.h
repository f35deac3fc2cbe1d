// SPDX-License-Identifier: Apache-2.0
//
// Gives restored programs their memory: what they wait for at once, the rest in the background.
//
// A page that the image has is never filled with zeros, and one that a program removed never comes
// back. A page that cannot be read keeps waiting who needs it, is tried again, and told of.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "image/page_sink.h"
#include "pager/fault_descriptor.h"
#include "pager/journal.h"
#include "pager/spaces.h"
#include "sys/unique_fd.h"

namespace reprise::pager {

struct ServiceOptions {
  std::uint64_t bytes_per_second = 0;  // of the background; 0: as fast as it goes
  // How long a program may wait for a page that cannot be read, before it is lost.
  std::chrono::milliseconds patience{std::chrono::minutes{10}};
  std::chrono::milliseconds first_retry{100};  // doubled each time, up to 5 s
  unsigned threads = 2;
};

struct Progress {
  std::uint64_t missing = 0;  // bytes, of all processes
  std::uint64_t filled = 0;   // by this pager
  std::uint64_t faults = 0;   // that programs waited for
  std::string trouble;        // why a page cannot be read just now; empty: it can
};

// Owns its threads. The source outlives it, and so does the journal.
class Service {
 public:
  // Goes on from what the journal has: programs that waited for an earlier pager are served anew.
  static base::Result<std::unique_ptr<Service>> start(image::PageSource& source, LoadSpace load,
                                                      Journal& journal, ServiceOptions options);
  ~Service();  // what is missing stays so: the descriptors are not closed
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  Service(Service&&) = delete;
  Service& operator=(Service&&) = delete;

  // A process that is being restored. Its faults are served from now on. Its descriptor is the
  // journal's after success. The error is that of the loader.
  base::Result<void> add(sys::UniqueFd fd, std::uint32_t pid);
  // All are known, and may run soon: the background begins.
  void begin_background();
  // Somebody waits for all of it: the background goes as fast as it can.
  void hurry();
  // Blocks until the journal's phase is over, at most `limit`; whether it is.
  bool wait(std::chrono::milliseconds limit);
  [[nodiscard]] Progress progress();

 private:
  using Clock = std::chrono::steady_clock;
  // A task that waits, or the background's next piece.
  struct Wanted {
    int fd = -1;
    std::uint64_t address = 0;
    Clock::time_point due;
    std::chrono::milliseconds retry{0};  // nothing has failed yet: 0
    Clock::time_point since;             // when it was asked for
  };
  struct Piece {
    Wanted wanted;
    bool is_fault = false;
    PageRange range;
    std::string file;
  };

  Service(image::PageSource& source, LoadSpace load, Journal& journal, ServiceOptions options);
  base::Result<void> replay();
  base::Result<void> watch(int fd);
  void end(Phase phase, const std::string& reason);

  enum class Work : std::uint8_t { kAll, kFaults };
  void read_loop();
  void fill_loop(Work work);

  // With the mutex held:
  void take_messages(int fd);
  void take_event(Record& slot, bool unrecorded);
  void answer_fault(Space& space, std::uint64_t address);
  void zero_fill(const Wanted& wanted);
  void close_space(int fd);
  void close_filled();
  std::optional<Piece> next_fault(Clock::time_point now);
  std::optional<Piece> next_background(Clock::time_point now);
  [[nodiscard]] Clock::time_point next_due(Clock::time_point now) const;
  // Lets go of the mutex while it reads.
  void handle(Piece piece, std::unique_lock<std::mutex>& lock, std::span<std::byte> buffer);
  // Whether to go on with the rest of the piece.
  bool put(const Piece& piece, const PageRange& range, std::span<const std::byte> pages);
  bool put_off(const Piece& piece, std::chrono::milliseconds delay);
  FillEnd put_run(Space& space, const PageRange& run, std::span<const std::byte> pages);
  void put_back(Piece piece, const base::Error& error);

  image::PageSource& source_;
  Journal& journal_;
  ServiceOptions options_;
  sys::UniqueFd epoll_;
  sys::UniqueFd stop_;  // readable: the threads end

  std::mutex mutex_;
  std::condition_variable changed_;
  Spaces spaces_;
  std::deque<Wanted> faults_;
  std::uint64_t fault_count_ = 0;
  std::uint64_t filled_ = 0;
  std::string trouble_;
  bool background_ = false;
  bool stopping_ = false;
  bool somebody_is_whole_ = false;  // a process that lives and misses nothing
  Clock::time_point background_due_{};
  std::chrono::milliseconds background_retry_{0};
  std::vector<std::thread> threads_;
};

}  // namespace reprise::pager
