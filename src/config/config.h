// SPDX-License-Identifier: Apache-2.0
//
// The configuration file: /etc/reprise/reprise.toml, or what REPRISE_CONFIG names.
// docs/configuration.md describes it. Environment variables win over it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "catalog/retention.h"
#include "remote/open.h"
#include "store/store_config.h"
#include "sys/environment.h"

namespace reprise::config {

using base::Result;

inline constexpr const char* kDefaultFile = "/etc/reprise/reprise.toml";

// Where the key of the store comes from; at most one is set, none means the default file.
struct StoreSettings {
  std::string path;          // empty: the default
  std::string key_file;      // a path
  std::string key_variable;  // the name of an environment variable that holds the key
  std::string key_command;   // for /bin/sh; prints the key
};

// A place elsewhere, from a section [remote.NAME].
struct Remote {
  std::string name;
  remote::RemoteConfig access;  // without the secrets that lie in files
  std::string secret_key_file;
  std::string session_token_file;
  std::string token_file;
  bool upload = false;  // whether checkpoints go there on their own
};

// Which checkpoints of a container are kept; what is not set limits nothing.
struct Retention {
  std::optional<std::uint64_t> keep_last;
  std::optional<std::uint64_t> keep_hourly;
  std::optional<std::uint64_t> keep_daily;
  std::optional<std::uint64_t> max_size;  // bytes, of the whole store

  // What is not set here is as `otherwise` says.
  [[nodiscard]] Retention over(const Retention& otherwise) const;
  // What is not set is as without a file.
  [[nodiscard]] catalog::Retention policy() const;
};

// How the memory of containers comes back that run before it is there (reprise.dev/restore=lazy).
struct Restore {
  std::optional<std::uint64_t> fill_rate;  // bytes per second of what nobody waits for
};

struct Config {
  std::filesystem::path file;
  StoreSettings store;
  std::vector<Remote> remotes;  // sorted by name
  Retention retention;
  Restore restore;
  // Where each setting stands that was set: "remote.NAME.url" to its line.
  std::map<std::string, std::size_t> lines;

  // kNotFound, with a hint that lists those that there are.
  [[nodiscard]] Result<Remote> remote(std::string_view name) const;
  // Names of those that checkpoints go to on their own.
  [[nodiscard]] std::vector<std::string> upload_remotes() const;
};

// Reads the file that the environment names (REPRISE_CONFIG) or the default one; one that is not
// there is as good as an empty one. kInvalidInput for what is no TOML, unknown settings, values of
// another type or out of range: names file and line.
Result<Config> load(const sys::Environment& environment);

// What goes on whatever the file says: a container that runs is not to lose what it has by a slip
// of the pen.
struct Standing {
  Config config;  // by the file; else by `kept`, as it was last understood; else the defaults
  std::optional<base::Error> mistake;  // why the file does not count
  bool is_known = true;  // false: the defaults, though the file may say something else
};
Standing load_standing(const sys::Environment& environment, const std::filesystem::path& kept);
// Has load_standing() find the file as it is now, one that is not there too. Leaves `kept` alone
// where load() fails, with its error. Makes its directory.
Result<void> keep(const sys::Environment& environment, const std::filesystem::path& kept);
// The same, of a text.
Result<Config> parse(const std::filesystem::path& file, std::string_view text);

// The store that the configuration and the environment name: REPRISE_STORE; and the first of
// REPRISE_KEY_FILE (a path), REPRISE_KEY (the key itself), REPRISE_KEY_VARIABLE (the name of
// another variable that holds it) and REPRISE_KEY_COMMAND (what prints it). Variables win over the
// file; any of those for the key over all that the file says of it. Pure.
store::StoreConfig store_config(const Config& config, const sys::Environment& environment);

// What the remote is reached with, secrets included. kNotFound, kDenied (the file may be read by
// others, or is another user's), kInvalidInput (it is empty or large).
Result<remote::RemoteConfig> access_of(const Remote& remote);

// A number of bytes: "1048576", "200GiB", "1.5 TB". kInvalidInput for anything else.
Result<std::uint64_t> parse_bytes(std::string_view text);
// A time: "24h", "90 min", "30s", "7d"; a number alone is seconds. kInvalidInput for anything else.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);

}  // namespace reprise::config
