// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "cli/command.h"
#include "cli/json.h"
#include "cli/output.h"

namespace reprise::cli {
namespace {

struct Shown {
  std::string name;
  std::string value;
  std::string from;
};

class Listing {
 public:
  Listing(const config::Config& config, const sys::Environment& environment)
      : config_(config), environment_(environment) {}
  // Of the file, or the default. Nothing is shown of what is neither.
  void add(const std::string& name, const std::string& value) {
    if (value.empty()) return;
    const auto line = config_.lines.find(name);
    settings_.push_back(
        {name, value, line == config_.lines.end() ? "default" : place(line->second)});
  }
  // What `variable` may say as well.
  void add(const std::string& name, const std::string& value, const std::string& variable) {
    if (sys::variable(environment_, variable).empty()) return add(name, value);
    settings_.push_back({name, value, "environment " + variable});
  }
  [[nodiscard]] const std::vector<Shown>& settings() const { return settings_; }

 private:
  [[nodiscard]] std::string place(std::size_t line) const {
    return config_.file.string() + ":" + std::to_string(line);
  }

  const config::Config& config_;
  const sys::Environment& environment_;
  std::vector<Shown> settings_;
};

void add_store(Listing& listing, const Context& context) {
  listing.add("store.path", context.node.store.root.string(), "REPRISE_STORE");
  const crypto::KeySource& key = context.node.store.key;
  switch (key.kind) {
    case crypto::KeySource::Kind::kFile:
      return listing.add("store.key_file", key.value, "REPRISE_KEY_FILE");
    case crypto::KeySource::Kind::kEnvironment:
      return listing.add("store.key_variable", key.value,
                         key.value == "REPRISE_KEY" ? key.value : "REPRISE_KEY_VARIABLE");
    case crypto::KeySource::Kind::kCommand:
      return listing.add("store.key_command", key.value, "REPRISE_KEY_COMMAND");
  }
}

void add_remotes(Listing& listing, const config::Config& config) {
  for (const config::Remote& remote : config.remotes) {
    const std::string section = "remote." + remote.name + ".";
    const remote::RemoteConfig& access = remote.access;
    listing.add(section + "url", access.url);
    listing.add(section + "upload", remote.upload ? "true" : "false");
    if (access.url.starts_with("s3:")) listing.add(section + "region", access.region);
    listing.add(section + "endpoint", access.endpoint);
    listing.add(section + "access_key", access.access_key);
    listing.add(section + "secret_key_file", remote.secret_key_file);
    listing.add(section + "session_token_file", remote.session_token_file);
    listing.add(section + "ca_file", access.ca_file);
    listing.add(section + "cert_file", access.cert_file);
    listing.add(section + "key_file", access.key_file);
    listing.add(section + "token_file", remote.token_file);
  }
}

// What is in force, whether anybody set it or not.
void add_retention(Listing& listing, const config::Retention& retention) {
  const catalog::Retention policy = retention.policy();
  listing.add("retention.keep_last", std::to_string(policy.keep_last));
  listing.add("retention.keep_hourly", std::to_string(policy.keep_hourly));
  listing.add("retention.keep_daily", std::to_string(policy.keep_daily));
  listing.add("retention.max_size",
              policy.max_bytes ? std::to_string(*policy.max_bytes) : "unlimited");
}

void add_restore(Listing& listing, const config::Restore& restore) {
  listing.add("restore.fill_rate",
              restore.fill_rate ? std::to_string(*restore.fill_rate) : "unlimited");
}

Result<int> show(bool json, Context& context) {
  const config::Config config = REPRISE_PASS(context.config);
  Listing listing(config, context.environment);
  add_store(listing, context);
  add_remotes(listing, config);
  add_retention(listing, config.retention);
  add_restore(listing, config.restore);
  if (json) {
    Json settings = Json::array();
    for (const Shown& one : listing.settings())
      settings.push_back({{"name", one.name}, {"value", one.value}, {"from", one.from}});
    print_json(context.io.out, {{"file", config.file.string()}, {"settings", settings}});
    return kDone;
  }
  Table table({"SETTING", "VALUE", "FROM"});
  for (const Shown& one : listing.settings()) table.add({one.name, one.value, one.from});
  table.print(context.io.out);
  return kDone;
}

Runner configure(Arguments& arguments) {
  auto json = std::make_shared<bool>(false);
  arguments.add_flag("--json", *json, "print JSON");
  return [json](Context& context) { return show(*json, context); };
}

}  // namespace

constinit const Command kConfigShow = {
    .path = "config show",
    .summary = "Say which settings are in force, and where each comes from",
    .details =
        R"(Settings come from /etc/reprise/reprise.toml, or the file that REPRISE_CONFIG names;
environment variables win over it. Secrets are never shown.

Example:
  reprise config show)",
    .configure = configure,
};

}  // namespace reprise::cli
