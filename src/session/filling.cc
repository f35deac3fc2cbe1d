// SPDX-License-Identifier: Apache-2.0
#include "session/filling.h"

#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "catalog/catalog.h"
#include "container/cgroup.h"
#include "host/filling.h"
#include "oci/state.h"
#include "store/open_catalog.h"
#include "sys/child.h"
#include "sys/process.h"
#include "sys/unix_socket.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::fail;
using base::Result;

Result<PagerLink> PagerLink::start(const Context& context, const sys::FileLock& hold) {
  const auto worker = REPRISE_PASS(host::find_worker());
  const sys::UniqueFd listener =
      REPRISE_PASS(sys::listen_on(engine::lazy_socket(context.directory()), SOCK_STREAM));
  const sys::FileLock lock = REPRISE_TRY(host::note_filling(context.layout, context.request),
                                         "noting that memory comes later");
  auto [ours, its] = REPRISE_PASS(sys::MessageSocket::pair());
  sys::SpawnOptions options{.env = sys::default_environment(), .new_session = true};
  options.argv = {worker.string(), "page", context.layout.filling_of(context.who()).string()};
  options.fds = {{listener.get(), kPagerListenerFd},
                 {its.fd().get(), kPagerLinkFd},
                 {lock.fd().get(), kPagerLockFd},
                 {hold.fd().get(), kPagerHoldFd}};
  auto pager = sys::Child::spawn(options);
  if (!pager) {
    host::forget_filling(context.layout, context.who());
    return std::unexpected(std::move(pager).error().with_step("starting the pager"));
  }
  pager->detach();
  return PagerLink(std::move(ours), engine::lazy_socket(context.directory()));
}

Result<void> PagerLink::await_ready() {
  constexpr std::chrono::seconds kLimit{30};
  const auto message = REPRISE_TRY(link_.receive(kLimit), "waiting for the pager");
  std::error_code ignored;
  std::filesystem::remove(socket_, ignored);
  if (message == kPagerReady) return {};
  return std::unexpected(
      Error(ErrorCode::kGone, "the pager, which has the container's memory, has ended")
          .with_hint("was the host out of memory? see 'reprise logs' and dmesg"));
}

bool PagerLink::was_lost() const {
  char byte = 0;
  return ::recv(link_.fd().get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

namespace {

// Success if there are none: they may have ended of what they read. Those that wait for memory
// cannot be frozen for certain, but they do not run either.
Result<void> end_tasks(const host::Layout& layout, const host::WorkerRequest& request) {
  const auto state = host::runtime_of(layout, request).state_of(request.container);
  if (!state && state.error().code() == ErrorCode::kNotFound) return {};
  if (!state) return std::unexpected(state.error());
  if (!sys::is_alive(state->init)) return {};
  const container::Cgroup cgroup(state->cgroup_paths);
  if (const auto frozen = cgroup.begin_freeze(); !frozen)
    base::warn_and_ignore(frozen, "what misses memory may run for a moment");
  const Result<void> ended = cgroup.end_frozen();
  REPRISE_PASS(cgroup.thaw());
  return ended;
}

void note_end(const store::StoreConfig& config, const host::WorkerRequest& request,
              const std::string& reason) {
  const auto note = [&]() -> Result<void> {
    catalog::Catalog catalog = REPRISE_PASS(store::open_existing_catalog(config));
    return catalog.add_life_event(
        {.key = host::key_of(request),
         .time = base::now_unix_millis(),
         .event = catalog::LifeEvent::kRestoreFailed,
         .session = request.session,
         .checkpoint = request.restore().checkpoint,
         .detail = "it was ended, since not all of its memory could be filled in: " + reason +
                   "; 'reprise restore' goes on from the checkpoint"});
  };
  base::warn_and_ignore(note(), "history not written");
}

}  // namespace

Result<void> end_unfilled(const host::Layout& layout, const store::StoreConfig& config,
                          const host::WorkerRequest& request, const std::string& reason) {
  REPRISE_TRY(end_tasks(layout, request), "ending what misses memory");
  base::log(base::LogLevel::kError, "memory cannot be filled in, the container was ended",
            {{"container", request.container.str()}, {"reason", reason}});
  note_end(config, request, reason);
  return {};
}

Result<void> end_abandoned_fillings(const host::Layout& layout, const store::StoreConfig& config) {
  for (const host::AbandonedFilling& one : REPRISE_PASS(host::abandoned_fillings(layout))) {
    REPRISE_PASS(end_unfilled(layout, config, one.request, "its pager was killed"));
    host::forget_filling(layout, host::identity_of(one.request));
  }
  return {};
}

Result<void> watch_filling(const host::Layout& layout, const store::StoreConfig& config,
                           const host::WorkerRequest& request) {
  REPRISE_PASS(host::await_filler(layout, host::identity_of(request)));
  return end_abandoned_fillings(layout, config);
}

}  // namespace reprise::session
