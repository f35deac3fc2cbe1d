// SPDX-License-Identifier: Apache-2.0
#include "operations/diagnosis/node_checks.h"

#include <filesystem>

#include "host/agent_link.h"
#include "host/agent_presence.h"
#include "operations/store/waiting.h"
#include "store/key_source.h"
#include "store/store_layout.h"
#include "store/tenants.h"
#include "sys/message_socket.h"

namespace reprise::operations {

namespace {

// Where something is stored they must be there; opening makes them elsewhere.
bool needs_keys(const store::StoreConfig& store) {
  std::error_code error;
  const auto keys = store::StoreLayout::keys_in(store.root) / (store.tenant + ".json");
  if (std::filesystem::exists(keys, error) || error) return true;
  const bool empty = std::filesystem::is_empty(store::StoreLayout::of(store).checkpoints(), error);
  return error ? error != std::errc::no_such_file_or_directory : !empty;
}

// That of another store, which a pull needs, say.
Finding check_other_keys(const Node& node) {
  const auto unreadable = store::unreadable_keys(node.store);
  if (!unreadable)
    return {Health::kWarn, {}, unreadable.error().message(), unreadable.error().hint()};
  if (unreadable->empty()) return {Health::kOk, {}, "opens the store", {}};
  std::string text = unreadable->front().message() + ", and is not used";
  if (unreadable->size() > 1) text += ", and " + std::to_string(unreadable->size() - 1) + " more";
  return {Health::kWarn, {}, std::move(text), unreadable->front().hint()};
}

}  // namespace

Finding check_key(const Node& node) {
  const std::filesystem::path& store = node.store.root;
  if (host::is_agent_expected(store))
    if (const auto keys = store::key_ids(node.store); !keys)
      return {
          Health::kFail,
          {},
          "this node of a cluster has no store key, and claims nothing: " + keys.error().message(),
          "the first step of its agent's pod lays it: kubectl -n reprise-system delete pod POD"};
  const auto tenants = store::all_tenants(node.store);
  if (!tenants) return {Health::kFail, {}, tenants.error().message(), tenants.error().hint()};
  bool has_any = false;
  for (const store::StoreConfig& one : *tenants) {
    if (!needs_keys(one)) continue;
    has_any = true;
    if (const auto opened = store::open_keys(one); !opened)
      return {Health::kFail, {}, opened.error().message(), opened.error().hint()};
  }
  Finding others = check_other_keys(node);
  if (has_any || others.health != Health::kOk) return others;
  return {Health::kInfo, {}, "the store has no keys yet, the first checkpoint makes them", {}};
}

Finding check_uploads(const Node& node) {
  if (node.config.upload_remotes().empty())
    return {Health::kOk, {}, "no remote is to get checkpoints on its own", {}};
  const auto failing = failing_uploads(node);
  if (!failing) return {Health::kWarn, {}, failing.error().message(), failing.error().hint()};
  if (failing->empty()) return {Health::kOk, {}, "none fails", {}};
  std::string text = failing->front().what;
  if (failing->size() > 1)
    text += "; and " + std::to_string(failing->size() - 1) + " more remotes fail";
  return {Health::kWarn, {}, std::move(text), failing->front().remedy};
}

Finding check_agent(const Node& node) {
  const std::filesystem::path socket = host::agent_socket_of(node.layout);
  const std::string where = "'" + socket.string() + "'";
  std::error_code error;
  if (!std::filesystem::exists(socket, error) && !error && host::is_agent_expected(node.store.root))
    return {Health::kWarn,
            {},
            "reprised is away: pods end with their signal, and those that opted in wait for it",
            "start reprised on this node; where Reprise was removed from it: reprise-node remove"};
  if (!std::filesystem::exists(socket, error) && !error)
    return {Health::kOk, {}, "none, which only a node of a Kubernetes has", {}};
  const auto reached = sys::MessageSocket::connect(socket, host::kAgentPatience);
  if (reached) return {Health::kOk, {}, "reprised listens at " + where, {}};
  return {Health::kWarn,
          {},
          "nobody listens at " + where + ": pods end and begin as without Reprise (" +
              reached.error().message() + ")",
          "start reprised on this node, or see its log"};
}

}  // namespace reprise::operations
