// SPDX-License-Identifier: Apache-2.0
#include "session/network_state.h"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "image/part_names.h"
#include "network/ip_address.h"
#include "network/network.h"
#include "network/network_addresses.h"
#include "network/network_baseline.h"
#include "network/network_setup.h"
#include "network/sysctls.h"
#include "oci/spec.h"
#include "session/parts.h"
#include "sys/exists.h"
#include "sys/files.h"
#include "sys/namespaces.h"

namespace reprise::session {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

constexpr const char* kArpIgnore = "net/ipv4/conf/all/arp_ignore";

// For undo.
std::filesystem::path sysctls_before(const Context& context) {
  return context.directory() / "sysctls-before.json";
}
std::filesystem::path change_made(const Context& context) {
  return context.directory() / "network-change.json";
}

Result<network::Sysctls> saved_sysctls(store::CheckpointReader& reader) {
  const auto text = REPRISE_PASS(read_part(reader, image::kSysctlsPart));
  if (!text) return network::Sysctls();
  return network::decode_sysctls(*text);
}

Result<network::NetworkChange> saved_change(store::CheckpointReader& reader) {
  const auto text = REPRISE_PASS(read_part(reader, image::kNetworkPart));
  if (!text) return network::NetworkChange();
  return network::decode_change(*text);
}

Result<void> capture_sysctls(store::CheckpointWriter& writer, const oci::Spec& spec,
                             const network::NetworkNamespace& ns) {
  auto changed = REPRISE_PASS(network::read_changed_sysctls(ns, spec.sysctls));
  // Ours, not the container's (adopt_addresses).
  if (REPRISE_PASS(network::has_adopted(ns))) changed.erase(kArpIgnore);
  if (changed.empty()) return {};
  return sys::replace_file(REPRISE_PASS(writer.part(image::kSysctlsPart)),
                           network::encode_sysctls(changed));
}

Result<void> set_sysctls(const Context& context, const network::NetworkNamespace& ns,
                         const network::Sysctls& given, const network::Sysctls& all) {
  if (all.empty()) return {};
  REPRISE_PASS(sys::replace_file(sysctls_before(context), network::encode_sysctls(REPRISE_PASS(
                                                              network::read_sysctls(ns, all)))));
  REPRISE_PASS(network::write_sysctls(ns, given));
  return {};
}

Result<void> set_up(const Context& context, store::CheckpointReader& reader,
                    const network::NetworkNamespace& ns) {
  const auto saved = REPRISE_PASS(saved_change(reader));
  const auto now = REPRISE_PASS(network::look_at_network(ns));
  REPRISE_PASS(network::note_baseline(context.network_baseline(), now,
                                      REPRISE_PASS(addresses_to_adopt(reader))));
  if (saved.empty()) return {};
  auto change = network::with_addresses(
      saved, network::successors(reader.manifest().addresses, now, saved.added.addresses));
  change.removed.addresses =
      network::addresses_to_remove(saved.removed.addresses, saved.added.addresses, now);
  REPRISE_PASS(sys::replace_file(change_made(context), network::encode_change(change)));
  REPRISE_TRY(network::apply_change(ns, now, change),
              "setting up the network as the container had");
  return {};
}

}  // namespace

Result<void> capture_network_state(const Context& context, store::CheckpointWriter& writer,
                                   const oci::Spec& spec, const network::NetworkNamespace& ns) {
  if (REPRISE_PASS(sys::is_own_network(ns))) return {};
  REPRISE_PASS(capture_sysctls(writer, spec, ns));
  const auto [before, change] =
      REPRISE_PASS(network::compare_with_baseline(ns, context.network_baseline()));
  if (change.empty()) return {};
  const auto lost = REPRISE_PASS(network::uncarriable(before, change));
  if (!lost.empty())
    return std::unexpected(
        Error(ErrorCode::kUnsupported,
              "the container's network has " + lost.front() + ", which cannot be saved")
            .with_hint("have the program remove it before the checkpoint; 'reprise doctor' lists "
                       "all of that kind"));
  return sys::replace_file(REPRISE_PASS(writer.part(image::kNetworkPart)),
                           network::encode_change(change));
}

Result<std::string> restore_network_state(const Context& context, store::CheckpointReader& reader,
                                          const oci::Spec& spec,
                                          const network::NetworkNamespace& ns) {
  if (REPRISE_PASS(sys::is_own_network(ns))) return std::string();
  network::Sysctls given = spec.sysctls;
  std::erase_if(given, [](const auto& entry) { return !network::is_of_network(entry.first); });
  network::Sysctls all = REPRISE_PASS(saved_sysctls(reader));
  all.insert(given.begin(), given.end());
  // Links may need some of them, and have some of their own.
  REPRISE_PASS(set_sysctls(context, ns, given, all));
  REPRISE_PASS(set_up(context, reader, ns));
  const std::string refused = REPRISE_PASS(network::write_sysctls(ns, all));
  if (refused.empty()) return refused;
  return "this host did not take the network's settings " + refused;
}

Result<void> undo_network_state(const Context& context, const network::NetworkNamespace& ns) {
  if (REPRISE_PASS(sys::exists(change_made(context)))) {
    const std::string text = REPRISE_PASS(sys::read_file(change_made(context)));
    network::revert_change(ns, REPRISE_PASS(network::decode_change(text)));
  }
  if (!REPRISE_PASS(sys::exists(sysctls_before(context)))) return {};
  const std::string text = REPRISE_PASS(sys::read_file(sysctls_before(context)));
  REPRISE_PASS(network::write_sysctls(ns, REPRISE_PASS(network::decode_sysctls(text))));
  return {};
}

Result<std::vector<std::string>> addresses_to_adopt(store::CheckpointReader& reader) {
  std::vector<std::string> addresses = reader.manifest().addresses;
  const auto change = REPRISE_PASS(saved_change(reader));
  std::erase_if(addresses, [&](const std::string& text) {
    const std::string bare = network::split_address(text).bare;
    return std::ranges::any_of(change.added.addresses, [&](const std::string& line) {
      return line.starts_with(bare + "/") || line.starts_with(bare + " ");
    });
  });
  return addresses;
}

Result<void> settle_network_state(store::CheckpointReader& reader,
                                  const network::NetworkNamespace& ns) {
  const auto saved = REPRISE_PASS(saved_sysctls(reader));
  const auto found = saved.find(kArpIgnore);
  if (found == saved.end()) return {};
  REPRISE_PASS(network::write_sysctls(ns, {*found}));
  return {};
}

}  // namespace reprise::session
