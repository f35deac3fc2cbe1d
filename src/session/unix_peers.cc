// SPDX-License-Identifier: Apache-2.0
#include "session/unix_peers.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "attributes/unix_peers.h"
#include "base/log.h"
#include "image/part_names.h"
#include "session/parts.h"
#include "sys/files.h"

namespace reprise::session {

using base::Result;

namespace {

constexpr const char* kWarning = "a connection to a service of the host is lost";

std::filesystem::path note_of(const std::filesystem::path& session) {
  return session / "unix-peers.json";
}

}  // namespace

Result<void> disconnect_unix_peers(const Context& context, store::CheckpointWriter& writer,
                                   pid_t init) {
  std::vector<attributes::LostPeer> lost;
  for (const auto& peer : REPRISE_PASS(attributes::outside_peers("/proc", init))) {
    if (!attributes::can_be_reconnected(peer)) continue;
    if (lost.empty()) REPRISE_PASS(context.journal().write(undo::PeersDisconnected()));
    lost.push_back(REPRISE_PASS(attributes::lost_peer("/proc", peer)));
    // First: whoever settles the session if we are killed must know.
    REPRISE_PASS(
        sys::replace_file(note_of(context.directory()), attributes::encode_lost_peers(lost)));
    REPRISE_PASS(attributes::disconnect_peer(peer));
  }
  if (lost.empty()) return {};
  return sys::replace_file(REPRISE_PASS(writer.part(image::kUnixPeersPart)),
                           attributes::encode_lost_peers(lost));
}

void reconnect_unix_peers(const std::filesystem::path& session, pid_t init) {
  std::error_code unknown;
  if (!std::filesystem::exists(note_of(session), unknown)) return;
  const auto connect = [&]() -> Result<void> {
    const std::string text = REPRISE_PASS(sys::read_file(note_of(session)));
    return attributes::reconnect_peers("/proc", init,
                                       REPRISE_PASS(attributes::decode_lost_peers(text)));
  };
  base::warn_and_ignore(connect(), kWarning);
}

void restore_unix_peers(store::CheckpointReader& reader, pid_t init) {
  const auto connect = [&]() -> Result<void> {
    const auto text = REPRISE_PASS(read_part(reader, image::kUnixPeersPart));
    if (!text) return {};
    return attributes::reconnect_peers("/proc", init,
                                       REPRISE_PASS(attributes::decode_lost_peers(*text)));
  };
  base::warn_and_ignore(connect(), kWarning);
}

}  // namespace reprise::session
