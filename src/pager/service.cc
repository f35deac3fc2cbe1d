// SPDX-License-Identifier: Apache-2.0
#include "pager/service.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "pager/fault_descriptor.h"

namespace reprise::pager {

using base::Error;
using base::ErrorCode;
using base::fail_errno;
using base::Result;
using std::chrono::milliseconds;

namespace {

// Of the background, in one read: several blocks of the store, of which threads that work beside
// each other then read few twice.
constexpr std::uint64_t kPieceBytes = std::uint64_t{4} << 20U;
// In one call to the kernel, while whoever has a fault or an event waits.
constexpr std::uint64_t kStepBytes = std::uint64_t{256} << 10U;
constexpr milliseconds kLongestRetry{5000};
// Until events have been read that the kernel waits for.
constexpr milliseconds kMoment{1};

}  // namespace

Service::Service(image::PageSource& source, LoadSpace load, Journal& journal,
                 ServiceOptions options)
    : source_(source), journal_(journal), options_(options), spaces_(std::move(load)) {}

Result<std::unique_ptr<Service>> Service::start(image::PageSource& source, LoadSpace load,
                                                Journal& journal, ServiceOptions options) {
  std::unique_ptr<Service> service(  // NOLINT: private
      new Service(source, std::move(load), journal, options));
  service->epoll_ = sys::UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  service->stop_ = sys::UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!service->epoll_.valid() || !service->stop_.valid())
    return fail_errno(errno, "starting the pager");
  REPRISE_PASS(service->watch(service->stop_.get()));
  if (!journal.lock_in_memory()) journal.give_up();
  REPRISE_PASS(service->replay());
  service->threads_.emplace_back([s = service.get()] { s->read_loop(); });
  for (unsigned i = 0; i < options.threads; ++i)
    service->threads_.emplace_back([s = service.get()] { s->fill_loop(Work::kAll); });
  service->threads_.emplace_back([s = service.get()] { s->fill_loop(Work::kFaults); });
  return service;
}

Service::~Service() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  (void)::eventfd_write(stop_.get(), 1);
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Result<void> Service::watch(int fd) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0)
    return fail_errno(errno, "watching for faults");
  return {};
}

// --- what an earlier pager left

Result<void> Service::replay() {
  for (const Record& record : journal_.records()) REPRISE_PASS(spaces_.apply(record));
  if (Record* begun = journal_.slot(); begun != nullptr && begun->kind != RecordKind::kNone) {
    const bool taken = begun->message.event != 0 && begun->message.event != UFFD_EVENT_PAGEFAULT;
    if (begun->kind != RecordKind::kEvent || taken) {
      journal_.commit();
      REPRISE_PASS(spaces_.apply(*begun));
    }
  }
  for (const auto& [fd, space] : spaces_.all()) {
    REPRISE_PASS(watch(fd));
    // Faults that it had read and not answered.
    wake_all_waiters(fd);
  }
  return {};
}

Result<void> Service::add(sys::UniqueFd fd, std::uint32_t pid) {
  const std::lock_guard lock(mutex_);
  const Record space{.kind = RecordKind::kSpace, .fd = fd.get(), .pid = pid};
  REPRISE_PASS(spaces_.apply(space));
  REPRISE_PASS(journal_.add(space));
  REPRISE_PASS(watch(fd.release()));
  return {};
}

void Service::begin_background() {
  const std::lock_guard lock(mutex_);
  background_ = true;
  journal_.set_phase(Phase::kFilling);
  close_filled();
  changed_.notify_all();
}

void Service::hurry() {
  const std::lock_guard lock(mutex_);
  if (options_.bytes_per_second == 0) return;
  options_.bytes_per_second = 0;
  background_due_ = {};
  changed_.notify_all();
}

bool Service::wait(milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return is_over(journal_.phase()); });
}

Progress Service::progress() {
  const std::lock_guard lock(mutex_);
  return {.missing = spaces_.missing_bytes(),
          .filled = filled_,
          .faults = fault_count_,
          .trouble = trouble_};
}

void Service::end(Phase phase, const std::string& reason) {
  if (!reason.empty()) journal_.set_reason(reason);
  journal_.set_phase(phase);
  changed_.notify_all();
}

// --- messages of programs

void Service::read_loop() {
  constexpr std::size_t kMost = 64;
  std::array<epoll_event, kMost> ready{};
  for (;;) {
    const int count = ::epoll_wait(epoll_.get(), ready.data(), kMost, -1);
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    for (int i = 0; i < count; ++i) take_messages(ready.at(static_cast<std::size_t>(i)).data.fd);
    close_filled();
    changed_.notify_all();
  }
}

void Service::take_messages(int fd) {
  Record unrecorded;
  for (;;) {
    const auto space = spaces_.all().find(fd);
    if (space == spaces_.all().end()) return;
    Record* slot = journal_.is_complete() ? journal_.slot() : &unrecorded;
    if (slot == nullptr) {
      journal_.give_up();
      continue;
    }
    *slot = Record{.fd = fd};
    slot->kind = RecordKind::kEvent;
    const bool taken = read_message(fd, slot->message);
    if (taken && slot->message.event != UFFD_EVENT_PAGEFAULT) {
      take_event(*slot, slot == &unrecorded);
      continue;
    }
    slot->kind = RecordKind::kNone;
    if (!taken) return;
    ++fault_count_;
    answer_fault(space->second, slot->message.arg.pagefault.address / kPageBytes * kPageBytes);
  }
}

void Service::take_event(Record& slot, bool unrecorded) {
  const Record record = slot;
  if (!unrecorded) journal_.commit();
  Result<void> applied = spaces_.apply(record);
  if (applied && record.message.event == UFFD_EVENT_FORK)
    applied = watch(static_cast<int>(record.message.arg.fork.ufd));
  if (!applied) end(Phase::kLost, applied.error().message());
}

void Service::answer_fault(Space& space, std::uint64_t address) {
  const auto now = Clock::now();
  const Wanted wanted{.fd = space.fd, .address = address, .due = now, .since = now};
  if (!space.missing.at(address, kPageBytes)) return zero_fill(wanted);
  space.cursor = address;
  space.last_fault = fault_count_;
  faults_.push_back(wanted);
}

// The image has nothing there, or the program removed it.
void Service::zero_fill(const Wanted& wanted) {
  switch (fill_zeros(wanted.fd, wanted.address).end) {
    case FillEnd::kDone:
      return;
    case FillEnd::kGone:
      return close_space(wanted.fd);
    case FillEnd::kChanging:
    case FillEnd::kNoMemory:
      // By then something else may belong there.
      faults_.push_back(wanted);
      faults_.back().due = Clock::now() + kMoment;
      return;
    case FillEnd::kThere:
    case FillEnd::kNotMapped:
      return wake_waiters(wanted.fd, wanted.address, kPageBytes);
  }
}

void Service::close_space(int fd) {
  std::erase_if(faults_, [fd](const Wanted& wanted) { return wanted.fd == fd; });
  if (!is_gone(fd)) somebody_is_whole_ = true;
  const Record closed{.kind = RecordKind::kClosed, .fd = fd};
  if (!journal_.is_complete() || !journal_.add(closed)) journal_.give_up();
  base::Result<void> applied = spaces_.apply(closed);
  if (!applied) end(Phase::kLost, applied.error().message());
  (void)::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  ::close(fd);
}

// The kernel itself gives zeros to whoever touches what was never there.
void Service::close_filled() {
  if (!background_) return;
  for (auto next = spaces_.all().begin(); next != spaces_.all().end();) {
    const auto space = next++;
    if (space->second.missing.empty()) close_space(space->first);
  }
  if (spaces_.all().empty()) end(somebody_is_whole_ ? Phase::kFull : Phase::kGone, {});
}

// --- filling

void Service::fill_loop(Work work) {
  std::vector<std::byte> buffer(work == Work::kFaults ? kPageBytes : kPieceBytes);
  std::unique_lock lock(mutex_);
  while (!stopping_ && !is_over(journal_.phase())) {
    const auto now = Clock::now();
    std::optional<Piece> piece = next_fault(now);
    if (!piece && work == Work::kAll) piece = next_background(now);
    if (piece)
      handle(*std::move(piece), lock, buffer);
    else
      changed_.wait_until(lock, next_due(now));
  }
}

std::optional<Service::Piece> Service::next_fault(Clock::time_point now) {
  for (;;) {
    const auto due = std::ranges::find_if(faults_, [now](const Wanted& w) { return w.due <= now; });
    if (due == faults_.end()) return std::nullopt;
    const Wanted wanted = *due;
    faults_.erase(due);
    const auto space = spaces_.all().find(wanted.fd);
    if (space == spaces_.all().end()) continue;
    const auto range = space->second.missing.at(wanted.address, kPageBytes);
    if (range) return Piece{wanted, true, *range, space->second.file};
    zero_fill(wanted);
  }
}

std::optional<Service::Piece> Service::next_background(Clock::time_point now) {
  if (!background_ || now < background_due_) return std::nullopt;
  Space* latest = nullptr;
  for (auto& [fd, space] : spaces_.all())
    if (!space.missing.empty() && (latest == nullptr || space.last_fault > latest->last_fault))
      latest = &space;
  if (latest == nullptr) return std::nullopt;
  const auto range = latest->missing.next(latest->cursor, kPieceBytes);
  latest->cursor = range->address + range->bytes;
  if (options_.bytes_per_second != 0)
    background_due_ =
        now + std::chrono::microseconds(range->bytes * 1'000'000 / options_.bytes_per_second);
  return Piece{{.fd = latest->fd, .address = range->address, .due = now, .since = now},
               false,
               *range,
               latest->file};
}

Service::Clock::time_point Service::next_due(Clock::time_point now) const {
  constexpr std::chrono::seconds kLong{60};  // whatever changes wakes us
  Clock::time_point due = now + kLong;
  for (const Wanted& wanted : faults_) due = std::min(due, wanted.due);
  if (background_due_ > now) due = std::min(due, background_due_);
  return due;
}

void Service::handle(Piece piece, std::unique_lock<std::mutex>& lock, std::span<std::byte> buffer) {
  const std::span<std::byte> pages = buffer.first(piece.range.bytes);
  lock.unlock();
  const Result<void> read = source_.read(piece.file, piece.range.offset, pages);
  lock.lock();
  if (!read) {
    put_back(std::move(piece), read.error());
    return close_filled();
  }
  trouble_.clear();
  background_retry_ = milliseconds{0};
  for (std::uint64_t begin = 0; begin < pages.size() && !stopping_; begin += kStepBytes) {
    if (begin != 0) {  // whoever has a fault or an event comes first
      lock.unlock();
      lock.lock();
    }
    const std::uint64_t bytes = std::min<std::uint64_t>(kStepBytes, pages.size() - begin);
    const PageRange step{.address = piece.range.address + begin,
                         .bytes = bytes,
                         .offset = piece.range.offset + begin};
    if (!put(piece, step, pages.subspan(begin, bytes))) break;
  }
  close_filled();
}

// What the program moved or removed meanwhile is left out: it is looked for anew where it is now.
bool Service::put(const Piece& piece, const PageRange& range, std::span<const std::byte> pages) {
  for (std::uint64_t done = 0; done < range.bytes;) {
    const auto found = spaces_.all().find(piece.wanted.fd);
    if (found == spaces_.all().end()) return false;
    Space& space = found->second;
    const auto run = space.missing.at(range.address + done, range.bytes - done);
    if (!run || run->offset != range.offset + done) {
      if (piece.is_fault) return put_off(piece, milliseconds{0});
      done += kPageBytes;
      continue;
    }
    switch (put_run(space, *run, pages.subspan(done, run->bytes))) {
      case FillEnd::kChanging:
        return put_off(piece, kMoment);
      case FillEnd::kNoMemory:
        put_back(piece, Error(ErrorCode::kBusy, "there is no memory for a page"));
        return false;
      case FillEnd::kGone:
        close_space(space.fd);
        return false;
      default:
        done += run->bytes;
    }
  }
  return true;
}

bool Service::put_off(const Piece& piece, milliseconds delay) {
  const auto now = Clock::now();
  if (piece.is_fault) {
    faults_.push_back(piece.wanted);
    faults_.back().due = now + delay;
  } else if (const auto space = spaces_.all().find(piece.wanted.fd); space != spaces_.all().end()) {
    space->second.cursor = piece.range.address;
    background_due_ = now + delay;
  }
  return false;
}

// kDone where all of it is settled: filled, or nothing that waits.
FillEnd Service::put_run(Space& space, const PageRange& run, std::span<const std::byte> pages) {
  std::uint64_t most = run.bytes;
  for (std::uint64_t done = 0; done < run.bytes;) {
    const std::uint64_t bytes = std::min(most, run.bytes - done);
    const std::uint64_t address = run.address + done;
    const Fill fill = fill_pages(space.fd, address, pages.subspan(done, bytes));
    filled_ += fill.bytes;
    done += fill.bytes;
    space.missing.remove(address, fill.bytes);
    switch (fill.end) {
      case FillEnd::kDone:
        break;
      case FillEnd::kNotMapped:
        if (bytes - fill.bytes > kPageBytes) {  // it may lie in two mappings
          most = std::max(kPageBytes, (bytes - fill.bytes) / 2 / kPageBytes * kPageBytes);
          break;
        }
        [[fallthrough]];
      case FillEnd::kThere:
        space.missing.remove(run.address + done, kPageBytes);
        wake_waiters(space.fd, run.address + done, kPageBytes);
        done += kPageBytes;
        break;
      default:
        return fill.end;
    }
  }
  return FillEnd::kDone;
}

void Service::put_back(Piece piece, const Error& error) {
  const auto now = Clock::now();
  trouble_ = error.message();
  if (is_gone(piece.wanted.fd)) return close_space(piece.wanted.fd);
  const auto later = [this](milliseconds retry) {
    return retry.count() == 0 ? options_.first_retry : std::min(retry * 2, kLongestRetry);
  };
  if (!piece.is_fault) {
    background_retry_ = later(background_retry_);
    background_due_ = now + background_retry_;
    return;
  }
  if (now - piece.wanted.since >= options_.patience)
    return end(Phase::kLost, "a page cannot be read: " + trouble_);
  piece.wanted.retry = later(piece.wanted.retry);
  piece.wanted.due = now + piece.wanted.retry;
  faults_.push_back(piece.wanted);
}

}  // namespace reprise::pager
