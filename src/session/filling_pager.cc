// SPDX-License-Identifier: Apache-2.0
#include "session/filling_pager.h"

#include <fcntl.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "base/fault.h"
#include "base/log.h"
#include "host/filling.h"
#include "pager/keeper.h"
#include "pager/lazy_socket.h"
#include "pager/service.h"
#include "session/filling.h"
#include "session/restore/lazy_images.h"
#include "store/checkpoint_store.h"
#include "sys/files.h"
#include "sys/message_socket.h"

namespace reprise::session {

using base::LogLevel;
using base::Result;
using pager::Journal;
using pager::LazyMessage;
using pager::Phase;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kReport{500};

// One pager of the crew.
class Paging {
 public:
  Paging(const PagerJob& job, Journal& journal) : job_(job), journal_(journal) {}
  void run();

 private:
  Result<void> open_checkpoint();
  Result<void> open_patiently();
  Result<void> serve_restore();
  void report() const;
  void report(const host::FillingProgress& progress) const;

  const PagerJob& job_;
  Journal& journal_;
  std::unique_ptr<store::CheckpointStore> store_;
  std::unique_ptr<store::CheckpointReader> reader_;
  std::unique_ptr<pager::Service> service_;  // before what it reads from
};

// Every block is authenticated when it is read, and packs that are removed from the store meanwhile
// can still be read: the reader has them open.
Result<void> Paging::open_checkpoint() {
  store_ = REPRISE_PASS(store::open_existing_store(job_.store));
  reader_ = REPRISE_PASS(store_->open(job_.request.restore().checkpoint));
  return {};
}

// Programs wait meanwhile, and nothing is lost.
Result<void> Paging::open_patiently() {
  const auto deadline = std::chrono::steady_clock::now() + pager::ServiceOptions().patience;
  for (;;) {
    Result<void> opened = open_checkpoint();
    const bool restoring = journal_.phase() == Phase::kRestoring;
    if (opened || restoring || std::chrono::steady_clock::now() >= deadline) return opened;
    report({.missing = 0, .filled = 0, .trouble = opened.error().message()});
    std::this_thread::sleep_for(kReport);
  }
}

Result<void> Paging::serve_restore() {
  REPRISE_PASS(base::fault_point("pager"));
  auto connection = REPRISE_PASS(pager::LazyConnection::accept(kPagerListenerFd, kPagerLinkFd));
  while (connection) {
    LazyMessage message = REPRISE_PASS(connection->next());
    switch (message.kind) {
      case LazyMessage::Kind::kProcess:
        REPRISE_PASS(service_->add(std::move(message.fd), message.pid));
        break;
      case LazyMessage::Kind::kZombie:
        break;
      case LazyMessage::Kind::kFinished: {
        service_->begin_background();
        report();
        sys::UniqueFd link(::fcntl(kPagerLinkFd, F_DUPFD_CLOEXEC, 0));
        return sys::MessageSocket::adopt(std::move(link)).send(kPagerReady);
      }
      case LazyMessage::Kind::kEnd:
        connection.reset();
    }
  }
  // The restore has failed, and is undone.
  journal_.set_phase(Phase::kGone);
  return {};
}

void Paging::report() const {
  const pager::Progress progress = service_->progress();
  report({.missing = progress.missing, .filled = progress.filled, .trouble = progress.trouble});
}

void Paging::report(const host::FillingProgress& progress) const {
  base::warn_and_ignore(
      host::report_filling(job_.layout, host::identity_of(job_.request), progress),
      "how far the filling is may be told late");
}

void Paging::run() {
  const auto lost = [this](const base::Error& error) {
    const bool restoring = journal_.phase() == Phase::kRestoring;
    if (restoring)
      base::log(LogLevel::kWarn, "the restore is undone", {{"error", error.message()}});
    journal_.set_reason(error.message());
    // Nobody runs yet, and the session, which hears that we have ended, sees to it.
    journal_.set_phase(restoring ? Phase::kGone : Phase::kLost);
  };
  if (const auto opened = open_patiently(); !opened) return lost(opened.error());
  auto service =
      pager::Service::start(reader_->pages(), pager::space_loader(image_reader(*reader_)), journal_,
                            {.bytes_per_second = job_.bytes_per_second});
  if (!service) return lost(service.error());
  service_ = std::move(*service);
  if (journal_.phase() != Phase::kRestoring) {
    base::log(LogLevel::kWarn, "a pager was killed, another goes on");
    service_->begin_background();
  } else if (const auto served = serve_restore(); !served) {
    return lost(served.error());
  }
  base::warn_and_ignore(base::fault_point("paging"), "filling");
  const auto who = host::identity_of(job_.request);
  while (!service_->wait(kReport)) {
    if (host::is_awaited(job_.layout, who)) service_->hurry();
    report();
  }
}

void finish(const PagerJob& job, Phase phase, const std::string& reason) {
  if (phase == Phase::kLost)
    base::warn_and_ignore(end_unfilled(job.layout, job.store, job.request, reason),
                          "the container misses memory");
  if (phase == Phase::kFull)
    base::log(LogLevel::kInfo, "all memory is there", {{"container", job.request.container.str()}});
  host::forget_filling(job.layout, host::identity_of(job.request));
}

// What is opened from here on is a pager's own.
int next_descriptor() {
  const sys::UniqueFd probe(::fcntl(kPagerHoldFd, F_DUPFD_CLOEXEC, 0));
  return std::max(probe.get(), kPagerHoldFd + 1);
}

}  // namespace

int run_pager(const PagerJob& job) {
  ::prctl(PR_SET_NAME, "reprise-keeper", 0, 0, 0);
  auto journal = Journal::make();
  if (!journal) {
    host::forget_filling(job.layout, host::identity_of(job.request));
    return base::exit_code(journal.error().code());
  }
  const pager::CrewPlan plan{.pager = [&] { Paging(job, *journal).run(); },
                             .finish = [&](Phase phase) { finish(job, phase, journal->reason()); }};
  pager::keep(*journal, plan, next_descriptor());
  return 0;
}

}  // namespace reprise::session
