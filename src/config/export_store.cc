// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cstdlib>

#include "config/config.h"

namespace reprise::config {
namespace {

bool is_set(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no other threads yet
  return value != nullptr && *value != '\0';
}

void set(const char* name, const std::string& value) {
  if (!value.empty()) ::setenv(name, value.c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace

void export_store(const Config& config) {
  if (!is_set("REPRISE_STORE")) set("REPRISE_STORE", config.store.path);
  // Any of them says where the key comes from: a second one must not win over it.
  for (const char* name :
       {"REPRISE_KEY_FILE", "REPRISE_KEY", "REPRISE_KEY_VARIABLE", "REPRISE_KEY_COMMAND"})
    if (is_set(name)) return;
  set("REPRISE_KEY_FILE", config.store.key_file);
  set("REPRISE_KEY_VARIABLE", config.store.key_variable);
  set("REPRISE_KEY_COMMAND", config.store.key_command);
}

}  // namespace reprise::config
