// SPDX-License-Identifier: Apache-2.0
#include "store/key_source.h"

#include <cstdlib>

#include "base/fault.h"
#include "sys/files.h"

namespace reprise::store {

using base::Error;
using base::ErrorCode;
using crypto::KeySource;
using std::filesystem::path;

namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

path keys_of(const path& root) { return root / "keys"; }

Result<crypto::Secret> key_in(const path& file) {
  return crypto::load_key({.kind = KeySource::Kind::kFile, .value = file.string()});
}

// Where the key of a rotation lies until all is wrapped with it; then it takes the place of `file`.
path next_key_file(const path& file) { return file.string() + ".new"; }

Result<void> rewrap_all(const path& root, const path& file) {
  const crypto::Secret old_key = REPRISE_PASS(load_or_create_key(root));
  const Result<void> made = crypto::create_key_file(file);
  if (!made && made.error().code() != ErrorCode::kInvalidInput)
    return std::unexpected(made.error());
  const crypto::Secret new_key = REPRISE_PASS(key_in(file));
  for (const std::string& tenant : REPRISE_PASS(crypto::tenants(keys_of(root))))
    REPRISE_PASS(crypto::rewrap_tenant(keys_of(root), tenant, old_key, new_key));
  return {};
}

}  // namespace

KeySource key_source(const path& root) {
  if (std::string file = variable("REPRISE_KEY_FILE"); !file.empty())
    return {.kind = KeySource::Kind::kFile, .value = std::move(file)};
  if (!variable("REPRISE_KEY").empty())
    return {.kind = KeySource::Kind::kEnvironment, .value = "REPRISE_KEY"};
  if (std::string name = variable("REPRISE_KEY_VARIABLE"); !name.empty())
    return {.kind = KeySource::Kind::kEnvironment, .value = std::move(name)};
  if (std::string command = variable("REPRISE_KEY_COMMAND"); !command.empty())
    return {.kind = KeySource::Kind::kCommand, .value = std::move(command)};
  return {.kind = KeySource::Kind::kFile,
          .value = root == kDefaultStore ? kDefaultKeyFile : (root / "store.key").string()};
}

Result<crypto::Secret> load_or_create_key(const path& root) {
  const KeySource source = key_source(root);
  Result<crypto::Secret> key = crypto::load_key(source);
  if (key || source.kind != KeySource::Kind::kFile || key.error().code() != ErrorCode::kNotFound)
    return key;
  const Result<void> made = crypto::create_key_file(source.value);
  // Somebody else may have been faster.
  if (!made && made.error().code() != ErrorCode::kInvalidInput)
    return std::unexpected(made.error());
  return crypto::load_key(source);
}

Result<crypto::TenantKeys> open_keys(const path& root, std::string_view tenant) {
  const KeySource source = key_source(root);
  std::string refused;  // id of the key that did not open them
  for (;;) {
    const crypto::Secret key = REPRISE_PASS(load_or_create_key(root));
    std::string id = REPRISE_PASS(crypto::key_id(key));
    Result<crypto::TenantKeys> keys = crypto::open_tenant(keys_of(root), tenant, key);
    if (keys || keys.error().code() != ErrorCode::kDenied ||
        source.kind != KeySource::Kind::kFile || id == refused)
      return keys;
    // A rotation stands, or was killed, between its two steps.
    if (const auto next = key_in(next_key_file(source.value)); next)
      if (auto opened = crypto::open_tenant(keys_of(root), tenant, *next); opened) return opened;
    // Or it ended after we had read the file: then that has another key now.
    refused = std::move(id);
  }
}

Result<path> rotate_key(const path& root, const std::optional<path>& file) {
  const std::string step = "rotating the key";
  if (file) {
    REPRISE_TRY(rewrap_all(root, *file), step);
    return *file;
  }
  const KeySource source = key_source(root);
  if (source.kind != KeySource::Kind::kFile)
    return std::unexpected(Error(ErrorCode::kInvalidInput, "the store's key is not in a file")
                               .with_hint("name a file for the new one"));
  REPRISE_TRY(rewrap_all(root, next_key_file(source.value)), step);
  REPRISE_PASS(base::fault_point("rotate-rewrapped"));
  REPRISE_TRY(sys::rename_durably(next_key_file(source.value), source.value), step);
  return path(source.value);
}

}  // namespace reprise::store
