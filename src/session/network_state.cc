// SPDX-License-Identifier: Apache-2.0
#include "session/network_state.h"

#include <optional>

#include "container/sysctls.h"
#include "session/parts.h"
#include "sys/files.h"
#include "sys/namespaces.h"

namespace reprise::session {

using base::Result;

namespace {

constexpr const char* kArpIgnore = "net/ipv4/conf/all/arp_ignore";

std::filesystem::path before(const std::filesystem::path& session) {
  return session / "sysctls-before.json";
}

Result<container::Sysctls> saved_sysctls(store::CheckpointReader& reader) {
  const auto text = REPRISE_PASS(read_part(reader, kSysctlsPart));
  if (!text) return container::Sysctls();
  return container::decode_sysctls(*text);
}

}  // namespace

Result<void> capture_network_state(store::CheckpointWriter& writer, const container::OciSpec& spec,
                                   const container::NetworkNamespace& ns) {
  if (REPRISE_PASS(sys::is_own_network(ns))) return {};
  auto changed = REPRISE_PASS(container::read_changed_sysctls(ns, spec.sysctls));
  // Ours, not the container's (container::adopt_addresses).
  if (REPRISE_PASS(container::has_adopted(ns))) changed.erase(kArpIgnore);
  if (changed.empty()) return {};
  return sys::replace_file(REPRISE_PASS(writer.part(kSysctlsPart)),
                           container::encode_sysctls(changed));
}

Result<std::string> restore_network_state(store::CheckpointReader& reader,
                                          const container::OciSpec& spec,
                                          const container::NetworkNamespace& ns,
                                          const std::filesystem::path& session) {
  if (REPRISE_PASS(sys::is_own_network(ns))) return std::string();
  container::Sysctls wanted = spec.sysctls;
  std::erase_if(wanted, [](const auto& entry) { return !container::is_of_network(entry.first); });
  for (const auto& [path, value] : REPRISE_PASS(saved_sysctls(reader)))
    wanted.insert_or_assign(path, value);
  if (wanted.empty()) return std::string();
  REPRISE_PASS(sys::replace_file(before(session), container::encode_sysctls(REPRISE_PASS(
                                                      container::read_sysctls(ns, wanted)))));
  const std::string refused = REPRISE_PASS(container::write_sysctls(ns, wanted));
  if (refused.empty()) return refused;
  return "this host did not take the network's settings " + refused;
}

Result<void> undo_network_state(const container::NetworkNamespace& ns,
                                const std::filesystem::path& session) {
  std::error_code unknown;
  if (!std::filesystem::exists(before(session), unknown)) return {};
  const std::string text = REPRISE_PASS(sys::read_file(before(session)));
  REPRISE_PASS(container::write_sysctls(ns, REPRISE_PASS(container::decode_sysctls(text))));
  return {};
}

Result<void> settle_network_state(store::CheckpointReader& reader,
                                  const container::NetworkNamespace& ns) {
  const auto saved = REPRISE_PASS(saved_sysctls(reader));
  const auto found = saved.find(kArpIgnore);
  if (found == saved.end()) return {};
  REPRISE_PASS(container::write_sysctls(ns, {*found}));
  return {};
}

}  // namespace reprise::session
