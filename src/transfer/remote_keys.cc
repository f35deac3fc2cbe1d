// SPDX-License-Identifier: Apache-2.0
#include "transfer/internal/remote_keys.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "json/reader.h"
#include "store/key_source.h"
#include "sys/files.h"
#include "transfer/internal/names.h"

namespace reprise::transfer {

using base::Error;
using base::ErrorCode;

std::string remote_key(const store::OpenStore& store, const std::string& secret_id) {
  return "keys/" + store.config.tenant + "." + secret_id + ".json";
}

std::string key_of_checkpoint(std::string_view file) {
  constexpr std::size_t kLongest = 4096;  // of the first line
  const std::string_view line = file.substr(0, std::min(file.find('\n'), kLongest));
  const auto header = json_reader::parse_or_discarded(line);
  std::string id = json_reader::text_in(header, "key");
  return base::parse_id(id) ? id : std::string();
}

namespace {

constexpr std::string_view kKeys = "keys/";
constexpr std::string_view kSuffix = ".json";

// Tenants whose key of this id lies there, by the names of the objects: of whom a node may read
// all.
Result<std::vector<std::string>> tenants_there(remote::ObjectStore& at, const std::string& id) {
  const std::string end = "." + id + std::string(kSuffix);
  std::vector<std::string> found;
  for (const auto& object : REPRISE_PASS(at.list(std::string(kKeys)))) {
    if (!object.name.ends_with(end) || object.name.size() <= kKeys.size() + end.size()) continue;
    found.push_back(
        object.name.substr(kKeys.size(), object.name.size() - kKeys.size() - end.size()));
  }
  return found;
}

// nullopt if there is none of that name, or it has another secret.
Result<std::optional<RemoteKeyFile>> key_file_at(remote::ObjectStore& at, const std::string& name,
                                                 const std::string& tenant, const std::string& id) {
  Result<std::string> text = at.get(name, store::kKeyFileLimit);
  if (!text && text.error().code() == ErrorCode::kNotFound) return std::nullopt;
  REPRISE_PASS(text);
  if (REPRISE_PASS(crypto::secret_id_in(*text)) != id) return std::nullopt;
  return RemoteKeyFile{.name = name, .tenant = tenant, .text = std::move(*text)};
}

Result<std::optional<RemoteKeyFile>> key_file_of(remote::ObjectStore& at, const std::string& tenant,
                                                 const std::string& id) {
  const std::string first = std::string(kKeys) + tenant;
  for (const std::string& name :
       {first + "." + id + std::string(kSuffix), first + std::string(kSuffix)})
    if (auto found = REPRISE_PASS(key_file_at(at, name, tenant, id))) return found;
  return std::nullopt;
}

}  // namespace

Result<RemoteKeyFile> find_key_file(const store::OpenStore& store, remote::ObjectStore& at,
                                    const std::string& secret_id) {
  std::vector<std::string> tenants{store.config.tenant};
  if (store.config.tenant != store::kTenant) tenants.emplace_back(store::kTenant);
  for (const std::string& tenant : tenants)
    if (auto found = REPRISE_PASS(key_file_of(at, tenant, secret_id))) return *std::move(found);
  if (store.config.tenant == store::kTenant) {
    const auto others = tenants_there(at, secret_id);
    // Another node's store may not be listed.
    if (!others && others.error().code() != ErrorCode::kDenied &&
        others.error().code() != ErrorCode::kNotFound)
      return std::unexpected(others.error());
    for (const std::string& tenant : others.value_or(std::vector<std::string>()))
      if (auto found = REPRISE_PASS(key_file_of(at, tenant, secret_id))) return *std::move(found);
  }
  return base::fail(ErrorCode::kNotFound,
                    "'" + at.url() + "' does not hold key '" + secret_id + "'");
}

Result<void> put_remote_key(const store::OpenStore& store, remote::ObjectStore& to) {
  const std::string ours = REPRISE_PASS(sys::read_file(store.key_file(), store::kKeyFileLimit));
  // The first store's lies under the name that older versions know, too.
  for (const std::string& name : {remote_key(store, store.keys.id), store.key_name()}) {
    const Result<std::string> there = to.get(name, store::kKeyFileLimit);
    if (!there && there.error().code() != ErrorCode::kNotFound)
      return std::unexpected(there.error());
    if (there && *there == ours) continue;
    // Another store's must not be replaced: with it would go all of its checkpoints.
    if (there && REPRISE_PASS(crypto::secret_id_in(*there)) != store.keys.id) continue;
    REPRISE_PASS(to.put(name, ours));
  }
  return {};
}

Result<const crypto::TenantKeys*> RemoteKeys::of(std::string_view file) {
  const std::string id = key_of_checkpoint(file);
  if (id.empty() || id == store_.keys.id) return &store_.keys;
  auto known = known_.find(id);
  if (known == known_.end()) known = known_.emplace(id, fetch(id)).first;
  if (!known->second) return std::unexpected(known->second.error());
  return &*known->second;
}

Result<crypto::TenantKeys> RemoteKeys::fetch(const std::string& id) {
  const Result<RemoteKeyFile> file = find_key_file(store_, from_, id);
  if (file) {
    store::StoreConfig theirs = store_.config;
    theirs.tenant = file->tenant;
    return REPRISE_TRY(store::open_keys_of_elsewhere(theirs, file->text),
                       "reading '" + file->name + "' of '" + from_.url() + "'");
  }
  if (file.error().code() != ErrorCode::kNotFound) return std::unexpected(file.error());
  return std::unexpected(Error(ErrorCode::kDenied, "it was sealed with key '" + id +
                                                       "', not with that of this store, " +
                                                       "and '" + from_.url() +
                                                       "' does not hold that key")
                             .with_hint("push a checkpoint of the store that has it once more"));
}

}  // namespace reprise::transfer
