// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/config.h"

#include "engine/criu/page_server.h"

namespace reprise::engine {
namespace {

// Deleted files that are still open are saved inside the checkpoint up to this size. CRIU's own
// default of 1 MiB fails for ordinary applications; 64 GiB is beyond any that can be saved here.
constexpr const char* kGhostLimit = "ghost-limit 68719476736\n";

// CRIU's file has a line per option and no way to write these.
bool can_be_quoted(const std::string& path) {
  return path.find_first_of("\"\\\n\r") == std::string::npos;
}

// One that cannot be written is missed by CRIU, which then says so.
std::string external(const std::string& mount, const std::string& to) {
  if (!can_be_quoted(mount) || !can_be_quoted(to)) return {};
  return "external \"mnt[" + mount + "]:" + to + "\"\n";
}

}  // namespace

std::string dump_config(const std::filesystem::path& script,
                        const std::vector<std::string>& watched,
                        const std::vector<std::string>& outside) {
  std::string text = "action-script " + script.string() + "\n";
  // nftables: a third of the time of the default (iptables), and the only one that CRIU 4.2 can be
  // told by this file; a `network-lock` in a file given by RPC crashes it.
  text += "network-lock nftables\n";
  text += "link-remap\n";
  text += page_server_options();
  // Connections that a listener has not accepted yet are not saved, and would be no checkpoint at
  // all otherwise; their peers are reset.
  text += "skip-in-flight\n";
  text += kGhostLimit;
  // Without them CRIU looks in a dozen places of its own choice, and gives up on the others. Told
  // a path that is the very inode, it looks no further.
  if (!watched.empty()) text += "force-irmap\n";
  for (const std::string& path : watched)
    if (can_be_quoted(path)) text += "irmap-scan-path \"" + path + "\"\n";
  for (const std::string& mount : outside) text += external(mount, mount);
  return text;
}

std::string restore_config(const std::filesystem::path& script, const OutsideMounts& outside) {
  std::string text = "action-script " + script.string() + "\n";
  // The lock of the dump died with its namespace, or was removed by us.
  text += "network-lock skip\n";
  // Somebody may have rotated a log, or changed the rights of a file on a bind mount, while the
  // container was away. Who has it open keeps what it has, as in a program that runs.
  text += "skip-file-rwx-check\n";
  text += kGhostLimit;
  for (const auto& [mount, place] : outside) text += external(mount, place.string());
  return text;
}

}  // namespace reprise::engine
