// SPDX-License-Identifier: Apache-2.0
#include "store/key_source.h"

#include <cstdlib>

namespace reprise::store {

using base::ErrorCode;
using crypto::KeySource;

namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

KeySource key_source(const std::filesystem::path& root) {
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

Result<crypto::Secret> load_or_create_key(const std::filesystem::path& root) {
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

}  // namespace reprise::store
