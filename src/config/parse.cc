// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <span>

#include "base/id.h"
#include "config/config.h"
#include "config/internal/readable_toml.h"
#include "remote/remote_url.h"

// Its own exceptions are off: a text that is no TOML is a value to us.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <toml++/toml.h>

namespace reprise::config {

using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

// What a setting's value becomes; the error lacks its place.
using Take = std::function<Result<void>(const toml::node&)>;

struct Setting {
  std::string_view name;
  Take take;
};

Take text(std::string& to) {
  return [&to](const toml::node& node) -> Result<void> {
    const auto value = node.value_exact<std::string>();
    if (!value) return fail(ErrorCode::kInvalidInput, "must be a text in quotation marks");
    if (value->empty()) return fail(ErrorCode::kInvalidInput, "must not be empty");
    to = *value;
    return {};
  };
}

Take absolute_path(std::string& to) {
  return [&to](const toml::node& node) -> Result<void> {
    REPRISE_PASS(text(to)(node));
    if (to.starts_with('/')) return {};
    return fail(ErrorCode::kInvalidInput, "must be a path that begins with '/'");
  };
}

// What nobody could ever reach is said here, not by the first upload.
Take place(std::string& to, Result<void> (*check)(const std::string& place)) {
  return [&to, check](const toml::node& node) -> Result<void> {
    REPRISE_PASS(text(to)(node));
    const auto checked = check(to);
    if (checked) return {};
    return std::unexpected(
        Error(ErrorCode::kInvalidInput, "cannot be used: " + checked.error().message())
            .with_hint(checked.error().hint()));
  };
}

Take yes_or_no(bool& to) {
  return [&to](const toml::node& node) -> Result<void> {
    const auto value = node.value_exact<bool>();
    if (!value) return fail(ErrorCode::kInvalidInput, "must be true or false");
    to = *value;
    return {};
  };
}

Take count(std::optional<std::uint64_t>& to) {
  return [&to](const toml::node& node) -> Result<void> {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < 0)
      return fail(ErrorCode::kInvalidInput, "must be a whole number from 0 on");
    to = static_cast<std::uint64_t>(*value);
    return {};
  };
}

Take size(std::optional<std::uint64_t>& to) {
  return [&to](const toml::node& node) -> Result<void> {
    if (node.is_integer()) return count(to)(node);
    const auto value = node.value_exact<std::string>();
    if (!value)
      return fail(ErrorCode::kInvalidInput, "must be a number of bytes, or a text as \"200GiB\"");
    to = REPRISE_PASS(parse_bytes(*value));
    return {};
  };
}

class Parser {
 public:
  explicit Parser(Config config) : config_(std::move(config)) {}
  Result<Config> parse(const toml::table& root);

 private:
  [[nodiscard]] std::string at(std::size_t line) const {
    return "'" + config_.file.string() + "', line " + std::to_string(line);
  }
  // All settings of a section; `place` is its name.
  Result<void> take(const toml::node& section, const std::string& place,
                    std::span<const Setting> settings);
  Result<void> take_store(const toml::node& section);
  Result<void> take_remotes(const toml::node& sections);
  Result<void> take_remote(const std::string& name, const toml::node& section);
  Result<void> take_retention(const toml::node& section);
  Result<void> take_restore(const toml::node& section);
  Result<const toml::table*> table(const toml::node& node, const std::string& place) const;

  Config config_;
};

std::size_t line_of(const toml::node& node) { return node.source().begin.line; }
std::size_t line_of(const toml::key& key) { return key.source().begin.line; }

std::string names_of(std::span<const Setting> settings) {
  std::string names;
  for (const Setting& setting : settings)
    names += (names.empty() ? "" : ", ") + std::string(setting.name);
  return names;
}

Result<const toml::table*> Parser::table(const toml::node& node, const std::string& place) const {
  if (const toml::table* found = node.as_table()) return found;
  return fail(ErrorCode::kInvalidInput,
              at(line_of(node)) + ": '" + place + "' must be a section: [" + place + "]");
}

Result<void> Parser::take(const toml::node& section, const std::string& place,
                          std::span<const Setting> settings) {
  for (const auto& [key, value] : *REPRISE_PASS(table(section, place))) {
    const auto setting = std::ranges::find(settings, key.str(), &Setting::name);
    const std::string where = at(line_of(key)) + ": '" + std::string(key.str()) + "'";
    if (setting == settings.end())
      return std::unexpected(
          Error(ErrorCode::kInvalidInput, where + " is no setting of [" + place + "]")
              .with_hint("there are: " + names_of(settings)));
    const Result<void> taken = setting->take(value);
    if (!taken)
      return std::unexpected(Error(ErrorCode::kInvalidInput, where + " " + taken.error().message())
                                 .with_hint(taken.error().hint()));
    config_.lines.emplace(place + "." + std::string(key.str()), line_of(key));
  }
  return {};
}

Result<void> Parser::take_store(const toml::node& section) {
  StoreSettings& store = config_.store;
  const std::array<Setting, 4> settings{Setting{"path", absolute_path(store.path)},
                                        {"key_file", absolute_path(store.key_file)},
                                        {"key_variable", text(store.key_variable)},
                                        {"key_command", text(store.key_command)}};
  REPRISE_PASS(take(section, "store", settings));
  const int sources = int{!store.key_file.empty()} + int{!store.key_variable.empty()} +
                      int{!store.key_command.empty()};
  if (sources <= 1) return {};
  return std::unexpected(
      Error(ErrorCode::kInvalidInput,
            at(line_of(section)) + ": [store] names more than one source of the key")
          .with_hint("keep one of key_file, key_variable and key_command"));
}

Result<void> Parser::take_remotes(const toml::node& sections) {
  for (const auto& [name, section] : *REPRISE_PASS(table(sections, "remote")))
    REPRISE_PASS(take_remote(std::string(name.str()), section));
  std::ranges::sort(config_.remotes, {}, &Remote::name);
  return {};
}

Result<void> Parser::take_remote(const std::string& name, const toml::node& section) {
  if (!base::parse_id(name))
    return fail(ErrorCode::kInvalidInput,
                at(line_of(section)) + ": '" + name +
                    "' cannot be the name of a remote: letters, digits, '.', '-' and '_' can");
  Remote remote{.name = name};
  remote::RemoteConfig& access = remote.access;
  const std::array<Setting, 11> settings{
      Setting{"url", place(access.url, &remote::check_url)},
      {"upload", yes_or_no(remote.upload)},
      {"region", text(access.region)},
      {"endpoint", place(access.endpoint, &remote::check_endpoint)},
      {"access_key", text(access.access_key)},
      {"secret_key_file", absolute_path(remote.secret_key_file)},
      {"session_token_file", absolute_path(remote.session_token_file)},
      {"ca_file", absolute_path(access.ca_file)},
      {"cert_file", absolute_path(access.cert_file)},
      {"key_file", absolute_path(access.key_file)},
      {"token_file", absolute_path(remote.token_file)}};
  REPRISE_PASS(take(section, "remote." + name, settings));
  if (access.url.empty())
    return std::unexpected(
        Error(ErrorCode::kInvalidInput,
              at(line_of(section)) + ": [remote." + name + "] lacks 'url'")
            .with_hint("for example: url = \"s3://bucket\" or url = \"file:///srv/checkpoints\""));
  config_.remotes.push_back(std::move(remote));
  return {};
}

Result<void> Parser::take_retention(const toml::node& section) {
  Retention& retention = config_.retention;
  const std::array<Setting, 4> settings{Setting{"keep_last", count(retention.keep_last)},
                                        {"keep_hourly", count(retention.keep_hourly)},
                                        {"keep_daily", count(retention.keep_daily)},
                                        {"max_size", size(retention.max_size)}};
  return take(section, "retention", settings);
}

Result<void> Parser::take_restore(const toml::node& section) {
  const std::array<Setting, 1> settings{Setting{"fill_rate", size(config_.restore.fill_rate)}};
  return take(section, "restore", settings);
}

Result<Config> Parser::parse(const toml::table& root) {
  using Section = Result<void> (Parser::*)(const toml::node&);
  static constexpr std::array<std::pair<std::string_view, Section>, 4> kSections{{
      {"store", &Parser::take_store},
      {"remote", &Parser::take_remotes},
      {"retention", &Parser::take_retention},
      {"restore", &Parser::take_restore},
  }};
  for (const auto& [key, node] : root) {
    const auto section =
        std::ranges::find(kSections, key.str(), [](const auto& one) { return one.first; });
    if (section == kSections.end())
      return std::unexpected(
          Error(ErrorCode::kInvalidInput, at(line_of(key)) + ": '" + std::string(key.str()) +
                                              "' is no section of the configuration")
              .with_hint("there are: [store], [remote.NAME], [retention], [restore]"));
    REPRISE_PASS((this->*section->second)(node));
  }
  return std::move(config_);
}

}  // namespace

Result<Config> parse(const std::filesystem::path& file, std::string_view text) {
  const auto refused = [&](const std::string& why) {
    return std::unexpected(
        Error(ErrorCode::kInvalidInput, "'" + file.string() + "', " + why)
            .with_hint("the file is TOML: sections in brackets, 'name = value' in each line"));
  };
  if (const auto readable = check_readable(text); !readable)
    return refused(readable.error().message());
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed)
    return refused("line " + std::to_string(parsed.error().source().begin.line) + ": " +
                   std::string(parsed.error().description()));
  return Parser(Config{.file = file}).parse(parsed.table());
}

namespace {

using Unit = std::pair<std::string_view, double>;

// A number and a unit behind it, at most a blank between; nullopt for anything else.
std::optional<double> quantity(std::string_view text, std::span<const Unit> units) {
  constexpr double kMost = 9e18;  // fits a signed number of 64 bits
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  const auto found = std::ranges::find(units, unit, &Unit::first);
  if (error != std::errc() || found == units.end() || !(number >= 0) ||
      number * found->second > kMost)
    return std::nullopt;
  return number * found->second;
}

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
  static constexpr std::array<Unit, 10> kUnits{{{"", 1},
                                                {"B", 1},
                                                {"kB", 1e3},
                                                {"MB", 1e6},
                                                {"GB", 1e9},
                                                {"TB", 1e12},
                                                {"KiB", 0x1p10},
                                                {"MiB", 0x1p20},
                                                {"GiB", 0x1p30},
                                                {"TiB", 0x1p40}}};
  if (const auto bytes = quantity(text, kUnits))
    return static_cast<std::uint64_t>(std::llround(*bytes));
  return fail(
      ErrorCode::kInvalidInput,
      "must be a size as 1048576, \"512 MB\" or \"200GiB\", not \"" + std::string(text) + "\"");
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr std::array<Unit, 5> kUnits{
      {{"", 1e3}, {"s", 1e3}, {"min", 60e3}, {"h", 3600e3}, {"d", 86400e3}}};
  if (const auto millis = quantity(text, kUnits))
    return std::chrono::milliseconds(std::llround(*millis));
  return fail(ErrorCode::kInvalidInput,
              "must be a time as 30s, 90min, 24h or 7d, not \"" + std::string(text) + "\"");
}

}  // namespace reprise::config
