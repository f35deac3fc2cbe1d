// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <algorithm>
#include <cerrno>

#include "config/internal/config_file.h"
#include "sys/files.h"

namespace reprise::config {

using base::Error;
using base::ErrorCode;

std::filesystem::path file_of(const sys::Environment& environment) {
  const std::string named = sys::variable(environment, "REPRISE_CONFIG");
  return named.empty() ? kDefaultFile : named;
}

Result<std::optional<std::string>> text_of(const std::filesystem::path& file) {
  constexpr std::size_t kLimit = std::size_t{1} << 20;
  Result<std::string> text = sys::read_file(file, kLimit);
  if (!text && text.error().error_number() == ENOENT) return std::nullopt;
  return std::optional(REPRISE_TRY(std::move(text), "reading the configuration"));
}

Result<Config> load(const sys::Environment& environment) {
  const std::filesystem::path file = file_of(environment);
  const auto text = REPRISE_PASS(text_of(file));
  if (!text) return Config{.file = file};
  return parse(file, *text);
}

Result<Remote> Config::remote(std::string_view name) const {
  const auto found = std::ranges::find(remotes, name, &Remote::name);
  if (found != remotes.end()) return *found;
  std::string known;
  for (const Remote& one : remotes) known += (known.empty() ? "" : ", ") + one.name;
  Error error(ErrorCode::kNotFound, "there is no remote '" + std::string(name) + "'");
  return std::unexpected(std::move(error).with_hint(
      known.empty() ? "add a section [remote.NAME] to '" + file.string() + "'"
                    : "'" + file.string() + "' has: " + known));
}

Retention Retention::over(const Retention& otherwise) const {
  const auto either = [](const auto& wanted, const auto& other) { return wanted ? wanted : other; };
  return {.keep_last = either(keep_last, otherwise.keep_last),
          .keep_hourly = either(keep_hourly, otherwise.keep_hourly),
          .keep_daily = either(keep_daily, otherwise.keep_daily),
          .max_size = either(max_size, otherwise.max_size)};
}

catalog::Retention Retention::policy() const {
  const catalog::Retention unset;
  return {.keep_last = keep_last.value_or(unset.keep_last),
          .keep_hourly = keep_hourly.value_or(unset.keep_hourly),
          .keep_daily = keep_daily.value_or(unset.keep_daily),
          // Without a word about it, nothing goes that somebody asked for.
          .requested = keep_last || keep_hourly || keep_daily,
          .max_bytes = max_size};
}

std::vector<std::string> Config::upload_remotes() const {
  std::vector<std::string> names;
  for (const Remote& remote : remotes)
    if (remote.upload) names.push_back(remote.name);
  return names;
}

}  // namespace reprise::config
