// SPDX-License-Identifier: Apache-2.0
#include "operations/container/stop.h"

#include <algorithm>
#include <optional>

#include "host/identity.h"
#include "operations/container/containers.h"
#include "operations/container/sessions.h"
#include "podman/client.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// Stopping goes on; what became of it cannot be told.
void warn_unknown(Progress& progress, const Error& error) {
  progress.warn("what its session does is not known: " + error.message(), error.hint());
}

// Stops one container and watches what its session does.
class Stop {
 public:
  // Without a catalog nothing is known of sessions, which is no reason not to stop.
  Stop(const Node& node, std::optional<catalog::Catalog> catalog, podman::ContainerInfo info,
       Progress& progress)
      : node_(node), catalog_(std::move(catalog)), info_(std::move(info)), progress_(progress) {}

  Result<Stopped> run(std::chrono::seconds limit) {
    const std::vector<std::string> argv = {
        "podman", "stop", "--time", std::to_string(limit.count()), "--", info_.id};
    podman::Invocation stop = REPRISE_PASS(podman::Invocation::begin(argv));
    const sys::RunResult result = REPRISE_PASS(wait(stop));
    if (!result.status.success()) return std::unexpected(podman::error_of(argv, result));
    return report();
  }

 private:
  static constexpr std::chrono::milliseconds kPollInterval{100};
  static constexpr std::chrono::seconds kOutcomePatience{30};
  // From `podman stop` to the lock of its session, on a host that is busy.
  static constexpr base::UnixMillis kBeginPatienceMs = 5000;

  Result<sys::RunResult> wait(podman::Invocation& stop) {
    const Work work(progress_, info_.name + ": stopping");
    while (true) {
      auto result = REPRISE_PASS(stop.wait(kPollInterval));
      if (result) return *std::move(result);
      progress_.tick();
      REPRISE_PASS(end_if_given_up());
    }
  }

  // Podman's time-out is long, for the sake of the checkpoint. Once there will be none, the
  // container gets the time that its owner meant for an ordinary stop, and no more.
  Result<void> end_if_given_up() {
    if (killed_) return {};
    const std::optional<base::UnixMillis> given_up = given_up_since();
    if (!given_up) return {};
    progress_.step("no checkpoint; waiting for it to end by itself");
    if (base::now_unix_millis() - *given_up < info_.stop_timeout_s * std::int64_t{1000}) return {};
    killed_ = true;
    // It may have ended by itself this very moment, which `podman stop` then says.
    static_cast<void>(REPRISE_PASS(podman::run({"podman", "kill", "--", info_.id})));
    return {};
  }

  // When it was clear that no checkpoint would come; nullopt while one may.
  std::optional<base::UnixMillis> given_up_since() {
    if (catalog_) {
      const auto session =
          session_since(*catalog_, key(), catalog::SessionKind::kCheckpoint, begin_);
      if (session && *session)
        return (*session)->status == catalog::SessionStatus::kFailed
                   ? std::optional((*session)->end)
                   : std::nullopt;
      if (!session) lose_catalog(session.error());
    }
    // A session that cannot write itself down holds the container's lock all the same.
    if (node_.layout.is_in_session(host::identify({}, info_.container()).file_name))
      last_in_session_ = base::now_unix_millis();
    const base::UnixMillis since = std::max(last_in_session_, begin_);
    if (last_in_session_ == 0 && base::now_unix_millis() - since < kBeginPatienceMs)
      return std::nullopt;
    return since;
  }

  void lose_catalog(const Error& error) {
    catalog_.reset();
    warn_unknown(progress_, error);
  }

  Result<Stopped> report() {
    Stopped stopped{
        .how = Stopped::How::kUnknown, .name = info_.name, .opted_in = is_opted_in(info_)};
    if (!catalog_) return stopped;
    const auto session = REPRISE_PASS(finished_session_since(
        *catalog_, key(), catalog::SessionKind::kCheckpoint, begin_, kOutcomePatience));
    if (session && session->status == catalog::SessionStatus::kOk) {
      stopped.how = Stopped::How::kCheckpointed;
      stopped.checkpoint = REPRISE_PASS(catalog_->find_checkpoint(session->checkpoint.str()));
      stopped.total_ms = session->end - session->begin;
    } else if (!session && !stopped.opted_in) {
      stopped.how = Stopped::How::kNotOptedIn;
    } else {
      stopped.how = Stopped::How::kWithoutCheckpoint;
      stopped.why = session
                        ? Error(ErrorCode::kIo, failure_of(*session)).with_hint(hint_for(*session))
                        : why_no_session();
    }
    return stopped;
  }

  // What a session needs first, tried as it would.
  [[nodiscard]] Error why_no_session() const {
    if (const auto opened = store::open_store(node_.store); !opened)
      return Error(opened.error().code(), "no session was begun: " + opened.error().message())
          .with_hint(opened.error().hint().empty() ? "see 'reprise doctor'"
                                                   : opened.error().hint());
    return Error(ErrorCode::kNotFound, "no session was begun")
        .with_hint("see 'reprise doctor " + info_.name +
                   "' while it runs, and whether its OCI runtime ('" + info_.oci_runtime +
                   "') is this version of Reprise");
  }

  [[nodiscard]] base::ContainerKey key() const { return key_of(info_); }

  const Node& node_;
  std::optional<catalog::Catalog> catalog_;
  podman::ContainerInfo info_;
  Progress& progress_;
  base::UnixMillis begin_ = base::now_unix_millis();
  base::UnixMillis last_in_session_ = 0;  // 0: never seen
  bool killed_ = false;
};

}  // namespace

Result<Stopped> stop(const Node& node, const std::string& container, std::chrono::seconds limit,
                     Progress& progress) {
  podman::ContainerInfo info = REPRISE_PASS(find_our_container(node, container));
  if (!info.has_tasks())
    return Stopped{
        .how = Stopped::How::kDidNotRun, .name = info.name, .opted_in = is_opted_in(info)};
  Result<catalog::Catalog> catalog = store::open_catalog(node.store);
  if (!catalog) {
    warn_unknown(progress, catalog.error());
    return Stop(node, std::nullopt, std::move(info), progress).run(limit);
  }
  // Needed only if the container is removed later: no reason not to stop it now.
  if (const auto recorded = record_container(*catalog, info); !recorded)
    warn_unrecorded(progress, recorded.error());
  return Stop(node, std::move(*catalog), std::move(info), progress).run(limit);
}

}  // namespace reprise::operations
