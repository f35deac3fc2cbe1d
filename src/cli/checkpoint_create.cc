// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <memory>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"
#include "cli/worker_events.h"
#include "host/message.h"
#include "host/request.h"
#include "host/worker_link.h"
#include "operations/containers.h"
#include "podman/client.h"
#include "store/open_catalog.h"

namespace reprise::cli {
namespace {

using base::Error;
using base::ErrorCode;

struct Options {
  std::string container;
  std::string tag;
  bool stop = false;
  bool json = false;
};

// Podman would start the container again at once, which then resumes: not what --stop is for.
Result<void> check_restart_policy(const podman::ContainerInfo& info) {
  if (info.restart_policy.empty() || info.restart_policy == "no") return {};
  return std::unexpected(
      Error(ErrorCode::kInvalidInput,
            "its restart policy '" + info.restart_policy + "' would start it again at once")
          .with_hint("use 'reprise stop', which Podman knows to be meant"));
}

Result<podman::ContainerInfo> find_subject(const Options& options) {
  podman::ContainerInfo info = REPRISE_PASS(operations::find_our_container(options.container));
  if (!info.has_tasks())
    return std::unexpected(Error(ErrorCode::kInvalidInput, "it does not run")
                               .with_hint("'reprise start " + info.name + "' starts it"));
  if (options.stop) REPRISE_PASS(check_restart_policy(info));
  return info;
}

host::WorkerRequest request_for(const podman::ContainerInfo& info, const Options& options) {
  return {.session = base::SessionId(base::random_id()),
          .container = base::ContainerId(info.id),
          .key = operations::key_of(info),
          .runtime_args = {},
          .what = host::CheckpointRequest{.end = options.stop,
                                          .trigger = image::Trigger::kRequest,
                                          .tag = options.tag,
                                          .name = info.name}};
}

// Podman removes a container with --rm by itself, and then knows nothing of it any more.
Result<void> wait_for_podman(const podman::ContainerInfo& info) {
  const auto waited = podman::run_ok({"podman", "wait", "--", info.id});
  if (waited || waited.error().code() == ErrorCode::kNotFound) return {};
  return std::unexpected(waited.error());
}

Result<host::Outcome> create(const Options& options, Context& context,
                             const podman::ContainerInfo& info) {
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(context.store));
  if (const auto recorded = operations::record_container(catalog, info); !recorded)
    context.io.err << "warning: 'reprise restore' will not be able to make it again: "
                   << recorded.error().message() << '\n';
  const host::WorkerRequest request = request_for(info, options);
  host::WorkerLink link = REPRISE_PASS(host::start_worker(request));
  host::Outcome outcome =
      REPRISE_PASS(follow(link, request.session, info.name + ": checkpoint", context.io));
  if (options.stop) REPRISE_TRY(wait_for_podman(info), "waiting for Podman to notice the end");
  return outcome;
}

Result<int> run(const Options& options, Context& context) {
  const std::string cannot = "cannot checkpoint '" + options.container + "'";
  if (!options.tag.empty()) REPRISE_TRY(base::parse_id(options.tag), "reading --tag");
  const podman::ContainerInfo info = REPRISE_TRY(find_subject(options), cannot);
  const host::Outcome outcome = REPRISE_TRY(create(options, context, info), cannot);
  if (options.json) {
    print_json(context.io.out, {{"checkpoint", outcome.checkpoint.str()},
                                {"container", info.id},
                                {"name", info.name},
                                {"ended", options.stop},
                                {"total_ms", outcome.total_ms},
                                {"freeze_ms", outcome.freeze_ms},
                                {"bytes", outcome.bytes}});
    return kDone;
  }
  context.io.out << info.name << ": checkpointed in " << format_duration(outcome.total_ms)
                 << " (frozen " << format_duration(outcome.freeze_ms) << ", "
                 << format_bytes(outcome.bytes) << "), checkpoint " << outcome.checkpoint.str()
                 << (options.stop ? "; it has ended" : "; it runs on") << '\n';
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto options = std::make_shared<Options>();
  arguments.add_option("CONTAINER", options->container, "a running container, by name or id")
      .required();
  arguments.add_flag("--stop", options->stop, "end the container once the checkpoint is safe");
  arguments.add_option("--tag", options->tag,
                       "a name for the checkpoint, which is then kept until removed");
  arguments.add_flag("--json", options->json, "print JSON");
  return [options](Context& context) { return run(*options, context); };
}

}  // namespace

constinit const Command kCheckpointCreate = {
    .path = "checkpoint create",
    .summary = "Take a checkpoint of a running container",
    .details = R"(The container runs on afterwards, unless --stop is given.

Example:
  reprise checkpoint create counter --tag before-upgrade)",
    .configure = configure,
};

}  // namespace reprise::cli
