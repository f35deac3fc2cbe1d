// SPDX-License-Identifier: Apache-2.0
#include <optional>
#include <utility>

#include "config/config.h"

namespace reprise::config {

using crypto::KeySource;

namespace {

// nullopt where none of them is set.
std::optional<KeySource> key_named_by(const std::string& file, const std::string& name_of_variable,
                                      const std::string& command) {
  if (!file.empty()) return KeySource{.kind = KeySource::Kind::kFile, .value = file};
  if (!name_of_variable.empty())
    return KeySource{.kind = KeySource::Kind::kEnvironment, .value = name_of_variable};
  if (!command.empty()) return KeySource{.kind = KeySource::Kind::kCommand, .value = command};
  return std::nullopt;
}

std::optional<KeySource> key_in(const sys::Environment& environment) {
  const bool itself = !sys::variable(environment, "REPRISE_KEY").empty();
  return key_named_by(sys::variable(environment, "REPRISE_KEY_FILE"),
                      itself ? "REPRISE_KEY" : sys::variable(environment, "REPRISE_KEY_VARIABLE"),
                      sys::variable(environment, "REPRISE_KEY_COMMAND"));
}

}  // namespace

store::StoreConfig store_config(const Config& config, const sys::Environment& environment) {
  std::string root = sys::variable(environment, "REPRISE_STORE");
  if (root.empty()) root = config.store.path;
  store::StoreConfig store = store::StoreConfig::at(root.empty() ? store::kDefaultStore : root);
  const StoreSettings& file = config.store;
  auto key = key_in(environment);
  if (!key) key = key_named_by(file.key_file, file.key_variable, file.key_command);
  if (key) store.key = std::move(*key);
  return store;
}

}  // namespace reprise::config
