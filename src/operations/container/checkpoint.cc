// SPDX-License-Identifier: Apache-2.0
#include "operations/container/checkpoint.h"

#include "catalog/catalog.h"
#include "host/request.h"
#include "host/worker_link.h"
#include "operations/container/containers.h"
#include "operations/container/worker_events.h"
#include "operations/store/tag.h"
#include "podman/client.h"
#include "store/open_catalog.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// Podman would start the container again at once, which then resumes: not what --stop is for.
Result<void> check_restart_policy(const podman::ContainerInfo& info) {
  if (info.restart_policy.empty() || info.restart_policy == "no") return {};
  return std::unexpected(
      Error(ErrorCode::kInvalidInput,
            "its restart policy '" + info.restart_policy + "' would start it again at once")
          .with_hint("use 'reprise stop', which Podman knows to be meant"));
}

Result<podman::ContainerInfo> find_running(const Node& node, const std::string& container,
                                           const CheckpointWishes& wishes) {
  podman::ContainerInfo info = REPRISE_PASS(find_our_container(node, container));
  if (!info.has_tasks())
    return std::unexpected(Error(ErrorCode::kInvalidInput, "it does not run")
                               .with_hint("'reprise start " + info.name + "' starts it"));
  if (wishes.end) REPRISE_PASS(check_restart_policy(info));
  return info;
}

host::WorkerRequest request_for(const podman::ContainerInfo& info, const CheckpointWishes& wishes) {
  return {.session = base::SessionId::random(),
          .container = info.container(),
          .key = key_of(info),
          .runtime_args = {},
          .what = host::CheckpointRequest{.end = wishes.end,
                                          .trigger = image::Trigger::kRequest,
                                          .tag = wishes.tag,
                                          .name = info.name}};
}

// Podman removes a container with --rm by itself, and then knows nothing of it any more.
Result<void> wait_for_podman(const podman::ContainerInfo& info) {
  const auto waited = podman::run_ok({"podman", "wait", "--", info.id});
  if (waited || waited.error().code() == ErrorCode::kNotFound) return {};
  return std::unexpected(waited.error());
}

}  // namespace

Result<Checkpointed> create_checkpoint(const Node& node, const std::string& container,
                                       const CheckpointWishes& wishes, Progress& progress) {
  podman::ContainerInfo info = REPRISE_PASS(find_running(node, container, wishes));
  catalog::Catalog catalog = REPRISE_PASS(store::open_catalog(node.store));
  REPRISE_PASS(check_new_tag(catalog, wishes.tag));
  if (const auto recorded = record_container(catalog, info); !recorded)
    warn_unrecorded(progress, recorded.error());
  const host::WorkerRequest request = request_for(info, wishes);
  host::WorkerLink link = REPRISE_PASS(host::start_worker(request));
  host::Outcome outcome =
      REPRISE_PASS(follow(link, request.session, info.name + ": checkpoint", progress));
  if (wishes.end) REPRISE_TRY(wait_for_podman(info), "waiting for Podman to notice the end");
  return Checkpointed{.container = std::move(info), .outcome = std::move(outcome)};
}

}  // namespace reprise::operations
