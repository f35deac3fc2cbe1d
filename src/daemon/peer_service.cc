// SPDX-License-Identifier: Apache-2.0
#include "daemon/peer_service.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "base/log.h"
#include "daemon/claim_token.h"
#include "daemon/sessions.h"
#include "http/self_signed.h"
#include "remote/peer.h"
#include "store/open_catalog.h"
#include "store/open_store.h"
#include "store/store_layout.h"
#include "store/tenants.h"
#include "sys/unique_fd.h"

namespace reprise::daemon {

using base::Error;
using base::ErrorCode;
using base::Result;

namespace {

std::string with_port(const std::string& host, std::uint16_t port) {
  const bool is_bare_v6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return (is_bare_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

bool has_port(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return false;
  return address.find(':') == colon || (colon > 0 && address[colon - 1] == ']');
}

}  // namespace

Result<HostAndPort> parse_host_and_port(const std::string& text) {
  const auto colon = text.rfind(':');
  HostAndPort found;
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), found.port);
  found.host = text.substr(0, std::min(colon, text.size()));
  if (found.host.starts_with('[') && found.host.ends_with(']'))
    found.host = found.host.substr(1, found.host.size() - 2);
  if (error != std::errc() || end != port.data() + port.size() || port.empty() ||
      found.host.empty())
    return base::fail(ErrorCode::kInvalidInput, "'" + text + "' is no ADDRESS:PORT");
  return found;
}

Result<std::string> address_towards(const std::string& url) {
  std::string rest = url.substr(url.find("://") == std::string::npos ? 0 : url.find("://") + 3);
  rest = rest.substr(0, rest.find('/'));
  if (!has_port(rest)) rest += ":443";
  const HostAndPort there = REPRISE_PASS(parse_host_and_port(rest));
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(there.port);
  if (::getaddrinfo(there.host.c_str(), port.c_str(), &hints, &found) != 0 || found == nullptr)
    return base::fail(ErrorCode::kNotFound, "host '" + there.host + "' has no address");
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  const sys::UniqueFd socket(::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_storage ours{};
  socklen_t length = sizeof ours;
  auto* const address = reinterpret_cast<sockaddr*>(&ours);
  std::array<char, NI_MAXHOST> text{};
  if (socket.get() < 0 || ::connect(socket.get(), found->ai_addr, found->ai_addrlen) != 0 ||
      ::getsockname(socket.get(), address, &length) != 0 ||
      ::getnameinfo(address, length, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0)
    return std::unexpected(
        Error::from_errno(errno, "finding our address towards '" + there.host + "'"));
  return std::string(text.data());
}

Result<std::unique_ptr<PeerService>> PeerService::start(const PeerOptions& options,
                                                        const ClusterView& view,
                                                        store::StoreConfig store,
                                                        std::string node) {
  auto own = REPRISE_PASS(http::make_self_signed("reprised " + node));
  auto service =
      std::unique_ptr<PeerService>(new PeerService(view, std::move(store), std::move(node)));
  service->peer_.pin = own.pin;
  const auto root = service->store_.root;
  service->server_ = REPRISE_PASS(remote::serve_objects(
      {.store = root,
       .host = options.host,
       .port = options.port,
       .own = std::move(own),
       .readers = remote::Readers{
           .knows = [it = service.get()](
                        std::string_view token) { return it->claimed_with(token).has_value(); },
           .may_read = [it = service.get()](
                           std::string_view token,
                           const std::string& object) { return it->may_read(token, object); },
           .place_of = [it = service.get()](
                           std::string_view token,
                           const std::string& object) { return it->place_of(token, object); }}}));
  service->peer_.address = has_port(options.address)
                               ? options.address
                               : with_port(options.address, service->server_->port());
  return service;
}

// What is over is not given out any more, and what is Promised not yet.
std::optional<CheckpointObject> PeerService::claimed_with(std::string_view token) const {
  return view_.claimed_with(hash_of(token), node_);
}

Result<bool> PeerService::is_given(const CheckpointObject& checkpoint,
                                   const SavedContainer& container) const {
  auto catalog = REPRISE_PASS(store::open_existing_catalog(store_));
  const auto source = REPRISE_PASS(state_of_stop(catalog, checkpoint.source(container.name)));
  if (source.container.checkpoint != container.checkpoint) return false;
  const auto waits = REPRISE_PASS(catalog.continuation(source.key));
  return waits && waits->checkpoint == container.checkpoint;
}

// Packs hold pages of others as well: of those that it needs, all can be read, sealed as they are.
Result<bool> PeerService::needs(const CheckpointObject& claimed,
                                const base::CheckpointId& checkpoint, const std::string& pack) {
  const std::lock_guard hold(lock_);
  std::set<std::string>& known = packs_[checkpoint.str()];
  if (known.contains(pack)) return true;
  // A compaction may have moved its blocks since.
  const auto store = REPRISE_PASS(
      store::open_parts(REPRISE_PASS(store::holder_of(of_namespace(claimed), checkpoint))));
  std::set<std::string> now;
  REPRISE_PASS(store::load_blocks(*store, checkpoint, [&now](const pages::BlockPlace& place) {
    now.insert("packs/" + place.pack + ".pack");
  }));
  known = std::move(now);
  return known.contains(pack);
}

store::StoreConfig PeerService::of_namespace(const CheckpointObject& claimed) const {
  store::StoreConfig config = store_;
  config.tenant = store::tenant_of_namespace(claimed.name_space);
  return config;
}

// That of its namespace; and the one under which an earlier version kept everybody's, if that has
// what was claimed.
bool PeerService::is_key_for(const CheckpointObject& claimed, const std::string& object) const {
  const store::StoreConfig own = of_namespace(claimed);
  const auto is_of = [&object](const std::string& tenant) {
    const std::string name = "keys/" + tenant + ".";
    // "keys/TENANT.json", and with the secret's id, which has no point.
    return object.starts_with(name) && std::ranges::count(object.substr(name.size()), '.') <= 1;
  };
  if (is_of(own.tenant)) return true;
  return is_of(store::kTenant) &&
         std::ranges::any_of(claimed.containers, [&](const SavedContainer& one) {
           const auto holder = store::holder_of(own, one.checkpoint);
           return !one.checkpoint.empty() && holder && holder->tenant == store::kTenant;
         });
}

// Keys lie beside each other; the rest below the tenant's directory, or where an earlier version
// put it.
std::filesystem::path PeerService::place_of(std::string_view token,
                                            const std::string& object) const {
  const auto claimed = claimed_with(token);
  if (!claimed || object.starts_with("keys/")) return store_.root;
  const auto own = store::StoreLayout::of(of_namespace(*claimed)).root;
  std::error_code error;
  return std::filesystem::exists(own / object, error) && !error ? own : store_.root;
}

bool PeerService::may_read(std::string_view token, const std::string& object) {
  const auto claimed = claimed_with(token);
  if (!claimed) return false;
  if (object.starts_with("keys/")) return is_key_for(*claimed, object);
  for (const SavedContainer& one : claimed->containers) {
    if (one.checkpoint.empty()) continue;
    const std::string id = one.checkpoint.str();
    if (object == "checkpoints/" + id || object == "notes/" + id) {
      const auto given = is_given(*claimed, one);
      base::warn_and_ignore(given, "a checkpoint is not given out");
      return given && *given;
    }
    if (!object.starts_with("packs/")) continue;
    // It was asked for the checkpoint before, or knows what it is.
    const auto needed = needs(*claimed, one.checkpoint, object);
    base::warn_and_ignore(needed, "a pack is not given out");
    if (!needed || !*needed) continue;
    const auto given = is_given(*claimed, one);
    if (given && *given) return true;
  }
  return false;
}

}  // namespace reprise::daemon
