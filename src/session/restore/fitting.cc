// SPDX-License-Identifier: Apache-2.0
#include "session/restore/fitting.h"

#include <sys/sysinfo.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "image/part_names.h"
#include "network/connection_hold.h"
#include "network/network.h"
#include "network/orphans.h"
#include "oci/cri.h"
#include "preflight/cpu_features.h"
#include "preflight/memory_limit.h"
#include "session/outside.h"
#include "session/parts.h"
#include "session/pod.h"
#include "sys/files.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

// First of all: the network is up already, and the time until its sockets are back is long enough
// for a peer to send something.
Result<void> close_network(const Context& context, const Requested& requested) {
  const auto& ns = requested.spec.network_namespace_path;
  if (ns.empty()) return {};
  REPRISE_PASS(context.journal().write(undo::NetworkBlocked{{.network = ns}}));
  REPRISE_PASS(context.journal().write(undo::ConnectionsHeld()));
  REPRISE_PASS(network::block_outside(ns));
  // Nobody else lives there: of an attempt that was killed.
  if (!requested.network_lock)
    base::warn_and_ignore(network::end_all_orphans(ns), "a connection may not be made again");
  return {};
}

// Ids that people choose are used again, also for something else: somebody who runs another program
// would be surprised by the old one.
Result<void> check_command(store::CheckpointReader& reader, const oci::Spec& spec) {
  const auto part = REPRISE_PASS(reader.find_part(image::kCommandPart));
  if (!part) return {};
  if (REPRISE_PASS(sys::read_file(*part)) == oci::command_line(spec)) return {};
  return std::unexpected(
      Error(ErrorCode::kUnsupported, "the container runs another command than the checkpoint's")
          .with_hint("use another id for another program"));
}

// The kernel would kill it in the middle of the restore, or soon afterwards.
Result<void> check_memory(const Context& context, const image::Manifest& manifest) {
  const std::uint64_t needed = image::memory_needed(manifest);
  const auto limit = REPRISE_PASS(preflight::load_memory_limit(context.request.restore().bundle));
  struct sysinfo host{};
  if (preflight::suffices(limit, needed, ::sysinfo(&host) == 0 && host.totalswap > 0)) return {};
  constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
  const auto mebibytes = [](std::uint64_t bytes) {
    return std::to_string((bytes + kMebibyte - 1) / kMebibyte);
  };
  return std::unexpected(
      Error(ErrorCode::kUnsupported,
            "the memory limit of " + mebibytes(static_cast<std::uint64_t>(limit.memory)) +
                " MiB is too low: the checkpoint holds " + mebibytes(needed) + " MiB")
          .with_hint("raise it above that: podman update --memory"));
}

// CRIU finds missing mounts as well, but late, and names them by number.
Result<void> check_mounts(const image::Manifest& manifest, const oci::Spec& spec) {
  const std::vector<std::string> present = oci::external_mounts(spec);
  std::string missing;
  for (const std::string& mount : manifest.mounts)
    if (!std::ranges::binary_search(present, mount))
      missing += (missing.empty() ? "'" : ", '") + mount + "'";
  if (missing.empty()) return {};
  return std::unexpected(
      Error(ErrorCode::kUnsupported, "the checkpoint needs something mounted at " + missing)
          .with_hint("create the container with the same volumes and mounts as before ('reprise "
                     "restore … -- --volume HOST:DIR' adds one)"));
}

// A program has chosen its instructions by what the CPU had when it began.
Result<void> check_cpu(store::CheckpointReader& reader) {
  const auto needed = REPRISE_PASS(read_part(reader, image::kCpuPart));
  const std::string here = preflight::cpu_features(sys::read_file("/proc/cpuinfo").value_or(""));
  if (!needed || here.empty()) return {};
  const std::string missing = preflight::missing_features(*needed, here);
  if (missing.empty()) return {};
  return std::unexpected(
      Error(ErrorCode::kUnsupported, "this CPU lacks what that of the checkpoint had: " + missing)
          .with_hint("restore it on a host whose CPU has that"));
}

Result<void> check_same(const Context& context, store::CheckpointReader& reader,
                        const oci::Spec& spec) {
  REPRISE_PASS(check_command(reader, spec));
  REPRISE_PASS(check_cpu(reader));
  REPRISE_PASS(check_memory(context, reader.manifest()));
  return check_mounts(reader.manifest(), spec);
}

}  // namespace

Result<Fitting> open_fitting(const Context& context, const Requested& requested) {
  const oci::Spec& spec = requested.spec;
  REPRISE_PASS(close_network(context, requested));
  const base::CheckpointId& checkpoint = context.request.restore().checkpoint;
  Fitting fitting;
  fitting.reader = REPRISE_TRY(context.store.checkpoints->open(checkpoint),
                               "opening checkpoint '" + checkpoint.str() + "'");
  store::CheckpointReader& reader = *fitting.reader;
  // Packets are dropped inside by now, so those that wait on the host may come. Of the container
  // that was checkpointed: a clone has its connections, too.
  base::warn_and_ignore(network::lift_hold(reader.manifest().key),
                        "outside connections stall for a while");
  if (requested.network_lock)
    REPRISE_PASS(hold_neighbours(context, reader, spec.network_namespace_path));
  REPRISE_PASS(check_outside(reader, spec, requested.wishes));
  if (auto fits = check_same(context, reader, spec); !fits)
    return std::unexpected(misfit(std::move(fits).error(), spec));
  return fitting;
}

Error misfit(Error error, const oci::Spec& spec) {
  if (!oci::pod_container(spec.annotations)) return error;
  return Error(ErrorCode::kInvalidInput, error.message())
      .with_hint("a pod begins anew where its replacement differs; the checkpoint is kept");
}

}  // namespace reprise::session
