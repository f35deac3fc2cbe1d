// SPDX-License-Identifier: Apache-2.0
#include "operations/container/restore.h"

#include <optional>

#include "catalog/catalog.h"
#include "operations/container/clone.h"
#include "operations/container/containers.h"
#include "operations/container/named_checkpoint.h"
#include "operations/transfer/remotes.h"
#include "operations/transfer/transfer.h"
#include "store/checkpoint_store.h"
#include "store/open_catalog.h"

namespace reprise::operations {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// Fetched from a remote first, as far as it is not here.
Result<catalog::CheckpointRow> fetch_subject(const Node& node, catalog::Catalog& catalog,
                                             const RestoreRequest& request, Progress& progress) {
  const OpenRemote remote = REPRISE_PASS(open_named(node, request.from));
  const transfer::Pulled pulled =
      REPRISE_PASS(pull_from(node, catalog, request.subject, remote, progress));
  return catalog.find_checkpoint(pulled.manifest.id.str());
}

// The container whose ordinary start continues from this checkpoint.
Result<std::optional<podman::ContainerInfo>> waiting_container(
    catalog::Catalog& catalog, const catalog::CheckpointRow& checkpoint) {
  const auto continuation = REPRISE_PASS(catalog.continuation(checkpoint.key));
  if (!continuation || continuation->checkpoint != checkpoint.id) return std::nullopt;
  auto info = REPRISE_PASS(container_with(catalog, checkpoint.key));
  if (info && info->has_tasks()) info.reset();
  return info;
}

}  // namespace

Result<Restored> restore(const Node& node, const RestoreRequest& request, Progress& progress) {
  // A machine whose first checkpoint comes from elsewhere has no store yet.
  const auto open = request.from.empty() ? store::open_existing_catalog : store::open_catalog;
  catalog::Catalog catalog = REPRISE_PASS(open(node.store));
  const catalog::CheckpointRow checkpoint =
      request.from.empty() ? REPRISE_PASS(find_named_checkpoint(catalog, request.subject))
                           : REPRISE_PASS(fetch_subject(node, catalog, request, progress));
  const auto waiting = REPRISE_PASS(waiting_container(catalog, checkpoint));
  const std::string& name = request.wishes.name;
  // Other limits need a container that is made with them.
  const bool as_it_is = request.wishes.options.empty();
  if (waiting && as_it_is && (name.empty() || name == waiting->name)) {
    // The runtime finds damage too, but then starts cold, which somebody who names a checkpoint
    // does not want: a program that begins anew may overwrite what its volumes hold.
    const auto checkpoints = REPRISE_PASS(store::open_store(node.store));
    REPRISE_PASS(checkpoints->verify(checkpoint.id));
    StartOutcome outcome = REPRISE_PASS(start_container(catalog, *waiting, progress));
    return Restored{.container = waiting->name, .start = std::move(outcome)};
  }
  CloneOutcome clone =
      REPRISE_PASS(clone_from(node, catalog, checkpoint, request.wishes, progress));
  return Restored{.container = std::move(clone.container.name), .start = std::move(clone.start)};
}

}  // namespace reprise::operations
