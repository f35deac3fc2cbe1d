// SPDX-License-Identifier: Apache-2.0
#include "store/key_source.h"

#include <algorithm>
#include <chrono>
#include <system_error>
#include <vector>

#include "base/fault.h"
#include "store/store_layout.h"
#include "sys/file_lock.h"
#include "sys/files.h"

namespace reprise::store {

using base::Error;
using base::ErrorCode;
using crypto::KeySource;
using std::filesystem::path;

namespace {

path keys_of(const path& root) { return StoreLayout::keys_in(root); }

Result<crypto::Secret> key_in(const path& file) {
  return crypto::load_key({.kind = KeySource::Kind::kFile, .value = file.string()});
}

// Where the key of a rotation lies until all is wrapped with it; then it takes the place of `file`.
path next_key_file(const path& file) { return file.string() + ".new"; }

// Held while keys are made, and while a rotation goes on: from the look at the key that wraps to
// its end in one step. Otherwise keys made meanwhile would be wrapped with a key that is about to
// be destroyed.
Result<sys::FileLock> lock_keys(const path& root) {
  constexpr std::chrono::seconds kTimeout{60};  // a command that prints the key has 30
  REPRISE_PASS(sys::make_directories_durably(keys_of(root)));
  return REPRISE_TRY(sys::FileLock::lock(keys_of(root) / ".rotation.lock", kTimeout),
                     "waiting for another process that makes or exchanges keys");
}

Result<bool> has_files(const path& directory) {
  std::error_code error;
  const bool empty = std::filesystem::is_empty(directory, error);
  if (error == std::errc::no_such_file_or_directory) return false;
  if (error) return base::fail_errno(error.value(), "looking into '" + directory.string() + "'");
  return !empty;
}

// Where something is sealed already, another key would lock it in for good.
Result<bool> holds_checkpoints(const StoreLayout& layout) {
  if (REPRISE_PASS(has_files(layout.checkpoints()))) return true;
  return has_files(layout.packs());
}

// By whoever has lock_keys().
Result<crypto::Secret> load_or_create_locked(const StoreConfig& store) {
  const KeySource& source = store.key;
  const path& root = store.root;
  Result<crypto::Secret> key = crypto::load_key(source);
  if (key || source.kind != KeySource::Kind::kFile || key.error().code() != ErrorCode::kNotFound)
    return key;
  if (!REPRISE_PASS(crypto::tenants(keys_of(root))).empty() ||
      REPRISE_PASS(has_files(StoreLayout::tenants_in(root))) ||
      REPRISE_PASS(holds_checkpoints({.root = root})))
    return std::unexpected(
        Error(ErrorCode::kDenied, "the key file '" + source.value + "' is gone, and without it " +
                                      "nobody can read what is in '" + root.string() + "'")
            .with_hint("put it back from your copy (REPRISE_KEY_FILE names another place); only to "
                       "begin anew without those checkpoints, move '" +
                       root.string() + "' away"));
  REPRISE_PASS(crypto::create_key_file(source.value));
  return crypto::load_key(source);
}

Result<crypto::TenantKeys> make_keys(const StoreConfig& store) {
  const path& root = store.root;
  const std::string& tenant = store.tenant;
  const sys::FileLock lock = REPRISE_PASS(lock_keys(root));
  const crypto::Secret key = REPRISE_PASS(load_or_create_locked(store));
  auto made = crypto::open_tenant(keys_of(root), tenant, key);  // somebody may have been faster
  if (made || made.error().code() != ErrorCode::kNotFound) return made;
  const std::string file = (keys_of(root) / (tenant + ".json")).string();
  if (REPRISE_PASS(holds_checkpoints(StoreLayout::of(store))))
    return std::unexpected(
        Error(ErrorCode::kDenied, "the key file '" + file +
                                      "' is gone, and without it nobody can " +
                                      "read the checkpoints of '" + root.string() + "'")
            .with_hint(
                "put it back from a copy of the store, or from 'keys/' of a remote to which "
                "this store was pushed; only to begin anew without those checkpoints, move '" +
                root.string() + "' away"));
  return crypto::make_tenant(keys_of(root), tenant, key);
}

// Files beside the store's own, with keys of other stores, or that this one had before a key was
// copied over its own.
Result<std::vector<path>> other_key_files(const KeySource& source) {
  std::vector<path> files;
  if (source.kind != KeySource::Kind::kFile) return files;
  const path directory = source.value + ".d";
  std::error_code error;
  std::filesystem::directory_iterator entry(directory, error);
  if (error == std::errc::no_such_file_or_directory) return files;
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error))
    files.push_back(entry->path());
  if (error)
    return base::fail_errno(error.value(), "listing the keys in '" + directory.string() + "'");
  std::ranges::sort(files);
  return files;
}

// With the remedy, where reading it did not name one.
Result<crypto::Secret> other_key_in(const path& file) {
  Result<crypto::Secret> key = key_in(file);
  if (key || !key.error().hint().empty()) return key;
  return std::unexpected(
      std::move(key).error().with_hint("put a key into '" + file.string() + "', or remove it"));
}

// The key that is missing may be the one that nobody could read.
Error with_unreadable(const Error& denied, const Error& unreadable) {
  const std::string others = denied.hint().empty() ? "" : "; else " + denied.hint();
  return Error(denied.code(), denied.message() + "; not tried: " + unreadable.message())
      .with_hint(unreadable.hint() + others)
      .with_suppressed(denied);
}

// Tries `use` with each of them until it is not denied. `denied` is what the store's own key got.
template <typename T, typename Use>
Result<T> with_other_keys(const StoreConfig& store, const Error& denied, Use use) {
  std::optional<Error> unreadable;
  for (const path& file : REPRISE_PASS(other_key_files(store.key))) {
    const Result<crypto::Secret> key = other_key_in(file);
    if (!key) {
      if (!unreadable) unreadable = key.error();
      continue;
    }
    Result<T> result = use(*key);
    if (result || result.error().code() != ErrorCode::kDenied) return result;
  }
  return std::unexpected(unreadable ? with_unreadable(denied, *unreadable) : denied);
}

// Whichever key it was wrapped with.
Result<void> rewrap(const StoreConfig& store, const std::string& tenant,
                    const crypto::Secret& old_key, const crypto::Secret& new_key) {
  const path keys = keys_of(store.root);
  Result<void> done = crypto::rewrap_tenant(keys, tenant, old_key, new_key);
  if (done || done.error().code() != ErrorCode::kDenied) return done;
  return with_other_keys<void>(store, done.error(), [&](const crypto::Secret& key) {
    return crypto::rewrap_tenant(keys, tenant, key, new_key);
  });
}

Result<void> rewrap_all(const StoreConfig& store, const path& file) {
  const crypto::Secret old_key = REPRISE_PASS(load_or_create_locked(store));
  const Result<void> made = crypto::create_key_file(file);
  if (!made && made.error().code() != ErrorCode::kInvalidInput)
    return std::unexpected(made.error());
  const crypto::Secret new_key = REPRISE_PASS(key_in(file));
  for (const std::string& tenant : REPRISE_PASS(crypto::tenants(keys_of(store.root))))
    REPRISE_PASS(rewrap(store, tenant, old_key, new_key));
  return {};
}

}  // namespace

StoreConfig StoreConfig::at(const path& root) {
  return {
      .root = root,
      .key = {.kind = KeySource::Kind::kFile,
              .value = root == kDefaultStore ? kDefaultKeyFile : (root / "store.key").string()}};
}

Result<crypto::Secret> load_or_create_key(const StoreConfig& store) {
  const KeySource& source = store.key;
  Result<crypto::Secret> key = crypto::load_key(source);
  if (key || source.kind != KeySource::Kind::kFile || key.error().code() != ErrorCode::kNotFound)
    return key;
  const sys::FileLock lock = REPRISE_PASS(lock_keys(store.root));
  return load_or_create_locked(store);
}

Result<crypto::TenantKeys> open_keys(const StoreConfig& store) {
  const KeySource& source = store.key;
  const path keys_here = keys_of(store.root);
  std::string refused;  // id of the key that did not open them
  for (;;) {
    const crypto::Secret key = REPRISE_PASS(load_or_create_key(store));
    std::string id = REPRISE_PASS(crypto::key_id(key));
    Result<crypto::TenantKeys> keys = crypto::open_tenant(keys_here, store.tenant, key);
    if (!keys && keys.error().code() == ErrorCode::kNotFound) keys = make_keys(store);
    if (keys || keys.error().code() != ErrorCode::kDenied || source.kind != KeySource::Kind::kFile)
      return keys;
    if (id == refused)
      return with_other_keys<crypto::TenantKeys>(
          store, keys.error(), [&](const crypto::Secret& other) {
            return crypto::open_tenant(keys_here, store.tenant, other);
          });
    // A rotation stands, or was killed, between its two steps.
    if (const auto next = key_in(next_key_file(source.value)); next)
      if (auto opened = crypto::open_tenant(keys_here, store.tenant, *next); opened) return opened;
    // Or it ended after we had read the file: then that has another key now.
    refused = std::move(id);
  }
}

Result<std::vector<std::string>> key_ids(const StoreConfig& store) {
  const crypto::Secret own = REPRISE_PASS(crypto::load_key(store.key));
  std::vector<std::string> ids;
  ids.push_back(REPRISE_PASS(crypto::key_id(own)));
  for (const path& file : REPRISE_PASS(other_key_files(store.key)))
    if (const auto key = key_in(file); key) ids.push_back(REPRISE_PASS(crypto::key_id(*key)));
  return ids;
}

Result<std::vector<Error>> unreadable_keys(const StoreConfig& store) {
  std::vector<Error> errors;
  for (const path& file : REPRISE_PASS(other_key_files(store.key)))
    if (auto key = other_key_in(file); !key) errors.push_back(std::move(key).error());
  return errors;
}

Result<crypto::TenantKeys> open_keys_of_elsewhere(const StoreConfig& store,
                                                  std::string_view key_file) {
  const auto open = [&](const crypto::Secret& key) {
    return crypto::keys_in(key_file, store.tenant, key);
  };
  auto keys = open(REPRISE_PASS(load_or_create_key(store)));
  if (keys || keys.error().code() != ErrorCode::kDenied) return keys;
  const KeySource& source = store.key;
  const std::string ours =
      source.kind == KeySource::Kind::kFile ? source.value : std::string(kDefaultKeyFile);
  return with_other_keys<crypto::TenantKeys>(
      store,
      std::move(keys).error().with_hint("copy the key file of the store that pushed it into '" +
                                        ours + ".d/' of this host, under any name"),
      open);
}

Result<path> rotate_key(const StoreConfig& store, const std::optional<path>& file) {
  const std::string step = "rotating the key";
  const sys::FileLock lock = REPRISE_TRY(lock_keys(store.root), step);
  if (file) {
    REPRISE_TRY(rewrap_all(store, *file), step);
    return *file;
  }
  const KeySource& source = store.key;
  if (source.kind != KeySource::Kind::kFile)
    return std::unexpected(Error(ErrorCode::kInvalidInput, "the store's key is not in a file")
                               .with_hint("name a file for the new one"));
  REPRISE_TRY(rewrap_all(store, next_key_file(source.value)), step);
  REPRISE_PASS(base::fault_point("rotate-rewrapped"));
  REPRISE_TRY(sys::rename_durably(next_key_file(source.value), source.value), step);
  return path(source.value);
}

}  // namespace reprise::store
