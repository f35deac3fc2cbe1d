// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>

#include "cli/command.h"
#include "cli/each.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "host/identity.h"
#include "operations/containers.h"
#include "operations/sessions.h"
#include "podman/client.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

using base::Error;
using base::ErrorCode;

struct Options {
  std::vector<std::string> names;
  int time_s = 600;
};

// Stopping goes on; what became of it cannot be told.
void warn_unknown(Context& context, const Error& error) {
  context.io.err << "warning: what its session does is not known: " << error.message() << '\n';
  if (!error.hint().empty()) context.io.err << "hint: " << error.hint() << '\n';
}

// Stops one container and watches what its session does.
class Stop {
 public:
  // Without a catalog nothing is known of sessions, which is no reason not to stop.
  Stop(Context& context, std::optional<catalog::Catalog> catalog, podman::ContainerInfo info)
      : context_(context), catalog_(std::move(catalog)), info_(std::move(info)) {}

  Result<int> run(int time_s) {
    const std::vector<std::string> argv = {"podman", "stop",  "--time", std::to_string(time_s),
                                           "--",     info_.id};
    podman::Invocation stop = REPRISE_PASS(podman::Invocation::begin(argv));
    Progress progress(context_.io, info_.name + ": stopping");
    std::optional<sys::RunResult> result;
    while (true) {
      result = REPRISE_PASS(stop.wait(kPollInterval));
      if (result) break;
      progress.tick();
      REPRISE_PASS(end_if_given_up(progress));
    }
    progress.clear();
    if (!result->status.success()) return std::unexpected(podman::error_of(argv, *result));
    return report();
  }

 private:
  static constexpr std::chrono::milliseconds kPollInterval{100};
  static constexpr std::chrono::seconds kOutcomePatience{30};
  // From `podman stop` to the lock of its session, on a host that is busy.
  static constexpr base::UnixMillis kBeginPatienceMs = 5000;

  // Podman's time-out is long, for the sake of the checkpoint. Once there will be none, the
  // container gets the time that its owner meant for an ordinary stop, and no more.
  Result<void> end_if_given_up(Progress& progress) {
    if (killed_) return {};
    const std::optional<base::UnixMillis> given_up = given_up_since();
    if (!given_up) return {};
    progress.set_phase("no checkpoint; waiting for it to end by itself");
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
          operations::session_since(*catalog_, key(), catalog::SessionKind::kCheckpoint, begin_);
      if (session && *session)
        return (*session)->status == catalog::SessionStatus::kFailed
                   ? std::optional((*session)->end)
                   : std::nullopt;
      if (!session) lose_catalog(session.error());
    }
    // A session that cannot write itself down holds the container's lock all the same.
    if (context_.layout.is_in_session(host::identify({}, base::ContainerId(info_.id)).file_name))
      last_in_session_ = base::now_unix_millis();
    const base::UnixMillis since = std::max(last_in_session_, begin_);
    if (last_in_session_ == 0 && base::now_unix_millis() - since < kBeginPatienceMs)
      return std::nullopt;
    return since;
  }

  void lose_catalog(const Error& error) {
    catalog_.reset();
    warn_unknown(context_, error);
  }

  Result<int> report() {
    std::ostream& out = context_.io.out;
    if (!catalog_) {
      out << info_.name << ": stopped; whether with a checkpoint is not known\n";
      return operations::is_opted_in(info_) ? kNotAsAsked : kDone;
    }
    const auto session = REPRISE_PASS(operations::finished_session_since(
        *catalog_, key(), catalog::SessionKind::kCheckpoint, begin_, kOutcomePatience));
    if (session && session->status == catalog::SessionStatus::kOk)
      return report_checkpoint(*session);
    if (!session && !operations::is_opted_in(info_)) {
      out << info_.name << ": stopped (it has no annotation 'reprise.dev/on-stop=checkpoint')\n";
      return kDone;
    }
    const Error why = session ? Error(ErrorCode::kIo, operations::failure_of(*session))
                                    .with_hint(operations::hint_for(*session))
                              : why_no_session();
    out << info_.name << ": stopped without a checkpoint: " << why.message() << '\n';
    context_.io.err << "hint: " << why.hint() << '\n';
    return operations::is_opted_in(info_) ? kNotAsAsked : kDone;
  }

  // What a session needs first, tried as it would.
  [[nodiscard]] Error why_no_session() const {
    if (const auto opened = store::open_store(context_.store); !opened)
      return Error(opened.error().code(), "no session was begun: " + opened.error().message())
          .with_hint(opened.error().hint().empty() ? "see 'reprise doctor'"
                                                   : opened.error().hint());
    return Error(ErrorCode::kNotFound, "no session was begun")
        .with_hint("see 'reprise doctor " + info_.name +
                   "' while it runs, and whether its OCI runtime ('" + info_.oci_runtime +
                   "') is this version of Reprise");
  }

  Result<int> report_checkpoint(const catalog::SessionRow& session) {
    const catalog::CheckpointRow row =
        REPRISE_PASS(catalog_->find_checkpoint(session.checkpoint.str()));
    context_.io.out << info_.name << ": checkpointed in "
                    << format_duration(session.end - session.begin) << " (frozen "
                    << format_duration(row.freeze_ms) << ", " << format_bytes(row.bytes)
                    << "), checkpoint " << row.id.str() << '\n';
    return kDone;
  }

  [[nodiscard]] base::ContainerKey key() const { return operations::key_of(info_); }

  Context& context_;
  std::optional<catalog::Catalog> catalog_;
  podman::ContainerInfo info_;
  base::UnixMillis begin_ = base::now_unix_millis();
  base::UnixMillis last_in_session_ = 0;  // 0: never seen
  bool killed_ = false;
};

Result<int> stop_one(Context& context, const std::string& name, int time_s) {
  podman::ContainerInfo info = REPRISE_PASS(operations::find_our_container(name));
  if (!info.has_tasks()) {
    context.io.out << info.name << ": does not run\n";
    return kDone;
  }
  Result<catalog::Catalog> catalog = store::open_catalog(context.store);
  if (!catalog) {
    warn_unknown(context, catalog.error());
    return Stop(context, std::nullopt, std::move(info)).run(time_s);
  }
  // Needed only if the container is removed later: no reason not to stop it now.
  if (const auto recorded = operations::record_container(*catalog, info); !recorded)
    context.io.err << "warning: 'reprise restore' will not be able to make it again: "
                   << recorded.error().message() << '\n';
  return Stop(context, std::move(*catalog), std::move(info)).run(time_s);
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("NAME", options->names, "containers, by name or id").required();
  arguments
      .add_option("-t,--time", options->time_s,
                  "seconds until Podman kills it; a checkpoint must be done by then")
      .show_default()
      .within(0, 1'000'000);
  return [options](Context& context) -> Result<int> {
    return for_each_name(context.io, options->names, "cannot stop", [&](const std::string& name) {
      return stop_one(context, name, options->time_s);
    });
  };
}

}  // namespace

constinit const Command kStop = {
    .path = "stop",
    .summary = "Checkpoint containers, then end them",
    .details =
        R"(The same as 'podman stop', and says what came of it. A container whose checkpoint fails gets its
stop signal and ends without one; the exit status is then 1.

Example:
  reprise stop counter)",
    .configure = configure,
};

}  // namespace reprise::cli
