// SPDX-License-Identifier: Apache-2.0
#include "session/pod.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <utility>

#include "base/id.h"
#include "base/log.h"
#include "container/file_tree.h"
#include "container/shared_memory.h"
#include "image/part_names.h"
#include "network/connection_hold.h"
#include "network/neighbours.h"
#include "network/network.h"
#include "network/orphans.h"
#include "oci/spec.h"
#include "session/parts.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::LogLevel;
using base::Result;
using network::Connection;

namespace {

// Others fill it for as long as that takes; a large one takes seconds.
constexpr std::chrono::seconds kFillPatience{60};

Result<std::vector<Connection>> neighbours_in(store::CheckpointReader& reader) {
  const auto text = REPRISE_PASS(read_part(reader, image::kNeighboursPart));
  if (!text) return std::vector<Connection>();
  return network::decode_connections(*text);
}

// Whether a container that is away, and may still be restored, has the other end.
bool is_awaited(Context& context, const Connection& connection) {
  const auto checkpoints = context.store.catalog.checkpoints();
  if (!checkpoints) return true;  // in doubt it is: the hold runs out
  const Connection other = network::reversed(connection);
  return std::ranges::any_of(*checkpoints, [&](const catalog::CheckpointRow& row) {
    const auto pending = context.store.catalog.continuation(row.key);
    if (!pending) return true;
    if (!*pending || (*pending)->checkpoint != row.id) return false;
    const auto reader = context.store.checkpoints->open(row.id);
    if (!reader) return reader.error().code() != ErrorCode::kNotFound;
    const auto theirs = neighbours_in(**reader);
    return !theirs || std::ranges::find(*theirs, other) != theirs->end();
  });
}

Result<std::optional<container::MemoryCopy>> copy_in(store::CheckpointReader& reader) {
  const auto text = REPRISE_PASS(read_part(reader, image::kShmIdentityPart));
  if (!text) return std::nullopt;
  return REPRISE_PASS(container::decode_memory_copy(*text));
}

// Removed since, or one that no member could go on from: damaged, of another key, from the future.
bool is_of_nobody_here(const Error& error) {
  return error.code() == ErrorCode::kNotFound || error.code() == ErrorCode::kCorrupt ||
         error.code() == ErrorCode::kDenied || error.code() == ErrorCode::kUnsupported;
}

// The checkpoint of that member which was stopped last: its copy has what all of them wrote.
Result<base::CheckpointId> newest_copy(Context& context, const base::CheckpointId& own,
                                       container::MemoryCopy newest) {
  base::CheckpointId found = own;
  for (const base::CheckpointId& id : REPRISE_PASS(context.store.checkpoints->list())) {
    const auto reader = context.store.checkpoints->open(id);
    const auto read = reader ? copy_in(**reader) : std::unexpected(reader.error());
    if (!read && is_of_nobody_here(read.error())) continue;
    const auto copy = REPRISE_PASS(read);
    if (!copy || copy->mark != newest.mark || copy->boot_time_ns <= newest.boot_time_ns) continue;
    newest = *copy;
    found = id;
  }
  return found;
}

Result<void> fill_from(Context& context, const base::CheckpointId& id,
                       const std::string& directory) {
  const auto reader = REPRISE_PASS(context.store.checkpoints->open(id));
  REPRISE_TRY(container::extract_tree(REPRISE_PASS(tree_part(*reader, image::kShmPart)), directory),
              "filling '/dev/shm' from checkpoint '" + id.str() + "'");
  return {};
}

}  // namespace

Result<std::vector<Connection>> capture_neighbours(store::CheckpointWriter& writer,
                                                   const network::HoldRequest& request) {
  auto connections = REPRISE_PASS(network::neighbour_connections(request));
  if (connections.empty()) return connections;
  REPRISE_TRY(sys::replace_file(REPRISE_PASS(writer.part(image::kNeighboursPart)),
                                network::encode_connections(connections)),
              "saving connections to other containers");
  return connections;
}

// Copied by each member, since nobody knows which of them is the last to go.
Result<void> capture_shared_memory(store::CheckpointWriter& writer, const oci::Spec& spec) {
  const auto directory = oci::shared_shm_directory(spec);
  if (!directory) return {};
  std::string mark = REPRISE_PASS(container::memory_mark(*directory)).value_or("");
  if (mark.empty()) {
    mark = base::random_id();
    REPRISE_PASS(container::set_memory_mark(*directory, mark));
  }
  const auto copy = container::memory_copy_now(std::move(mark));
  REPRISE_PASS(sys::replace_file(REPRISE_PASS(writer.part(image::kShmIdentityPart)), encode(copy)));
  REPRISE_TRY(save_tree(writer, image::kShmPart, *directory, container::Writers::kOthers),
              "saving the shared '/dev/shm'");
  return {};
}

Result<void> hold_neighbours(const Context& context, store::CheckpointReader& reader,
                             const network::NetworkNamespace& network) {
  const auto connections = REPRISE_PASS(neighbours_in(reader));
  if (connections.empty()) return {};
  REPRISE_PASS(context.journal().write(undo::NeighboursHeld{.network = network}));
  REPRISE_PASS(network::hold_neighbours(context.key(), network, connections));
  base::warn_and_ignore(network::end_orphans(network, connections),
                        "a connection may not be made again");
  return {};
}

void settle_neighbours(Context& context, store::CheckpointReader& reader,
                       const network::NetworkNamespace& network) {
  const auto settle = [&]() -> Result<void> {
    const auto connections = REPRISE_PASS(neighbours_in(reader));
    if (connections.empty()) return {};
    auto lonely = REPRISE_PASS(network::release_complete(network, connections));
    std::erase_if(lonely, [&](const Connection& c) { return is_awaited(context, c); });
    return network::end_connections(network, lonely);
  };
  base::warn_and_ignore(settle(), "connections to other containers may stall for a while");
}

Result<void> fill_shared_memory(Context& context, store::CheckpointReader& reader,
                                const oci::Spec& spec) {
  const auto directory = oci::shared_shm_directory(spec);
  const auto copy = REPRISE_PASS(copy_in(reader));
  if (!directory || !copy) return {};
  const auto lock = REPRISE_TRY(sys::FileLock::lock_existing(*directory, kFillPatience),
                                "waiting for another container that fills '/dev/shm'");
  const auto mark = REPRISE_PASS(container::memory_mark(*directory));
  // It is not that session's alone any more.
  if (mark == copy->mark) return container::forget_filler(*directory);
  std::error_code error;
  if (mark || !std::filesystem::is_empty(*directory, error))
    return std::unexpected(
        Error(ErrorCode::kUnsupported, "the other containers have begun to use '/dev/shm' anew")
            .with_hint("stop and start all members of a pod together"));
  const auto newest =
      REPRISE_PASS(newest_copy(context, context.request.restore().checkpoint, *copy));
  REPRISE_PASS(context.journal().write(undo::SharedFilled{.directory = *directory, .aside = {}}));
  REPRISE_PASS(container::note_filler(*directory, context.request.session.str()));
  REPRISE_PASS(fill_from(context, newest, *directory));
  return container::set_memory_mark(*directory, copy->mark);
}

}  // namespace reprise::session
