// SPDX-License-Identifier: Apache-2.0
#include "runtime/arguments.h"

#include <algorithm>
#include <array>

namespace reprise::runtime {
namespace {

// runc 1.1 to 1.5, main.go: global options that take a value.
constexpr std::array<std::string_view, 5> kValuedGlobals = {"root", "log", "log-format", "criu",
                                                            "rootless"};

struct Option {
  std::string_view name;
  std::optional<std::string_view> value;
};

std::optional<Option> as_option(std::string_view text) {
  if (text.size() < 2 || text.front() != '-') return std::nullopt;
  text.remove_prefix(text[1] == '-' ? 2 : 1);
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return Option{.name = text, .value = std::nullopt};
  return Option{.name = text.substr(0, equals), .value = text.substr(equals + 1)};
}

std::optional<std::string> find_value(const std::vector<std::string>& arguments,
                                      std::string_view name) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::optional<Option> option = as_option(arguments[i]);
    if (!option || option->name != name) continue;
    if (option->value) return std::string(*option->value);
    if (i + 1 < arguments.size()) return arguments[i + 1];
  }
  return std::nullopt;
}

}  // namespace

Arguments Arguments::parse(std::span<char* const> argv) {
  Arguments result;
  for (std::size_t i = 1; i < argv.size(); ++i) result.all.emplace_back(argv[i]);
  std::size_t i = 0;
  for (; i < result.all.size(); ++i) {
    const std::optional<Option> option = as_option(result.all[i]);
    if (!option) break;
    result.globals.push_back(result.all[i]);
    if (!option->value && std::ranges::find(kValuedGlobals, option->name) != kValuedGlobals.end() &&
        i + 1 < result.all.size())
      result.globals.push_back(result.all[++i]);
  }
  if (i < result.all.size()) result.verb = result.all[i++];
  result.rest.assign(result.all.begin() + static_cast<std::ptrdiff_t>(i), result.all.end());
  return result;
}

std::optional<std::string> Arguments::global(std::string_view name) const {
  return find_value(globals, name);
}

std::optional<std::string> Arguments::option(std::string_view name) const {
  return find_value(rest, name);
}

bool Arguments::has_flag(std::string_view name) const {
  return std::ranges::any_of(rest, [&](const std::string& text) {
    const std::optional<Option> option = as_option(text);
    return option && option->name == name && option->value.value_or("true") == "true";
  });
}

std::vector<std::string> Arguments::positional(std::span<const std::string_view> valued) const {
  std::vector<std::string> result;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const std::optional<Option> option = as_option(rest[i]);
    if (!option)
      result.push_back(rest[i]);
    else if (!option->value && std::ranges::find(valued, option->name) != valued.end())
      ++i;
  }
  return result;
}

std::vector<std::string> Arguments::state_globals() const {
  std::vector<std::string> result;
  if (const auto root = global("root")) result.insert(result.end(), {"--root", *root});
  if (const auto rootless = global("rootless"))
    result.insert(result.end(), {"--rootless", *rootless});
  const bool systemd = std::ranges::any_of(globals, [](const std::string& text) {
    const std::optional<Option> option = as_option(text);
    return option && option->name == "systemd-cgroup" && option->value.value_or("true") == "true";
  });
  if (systemd) result.emplace_back("--systemd-cgroup");
  return result;
}

}  // namespace reprise::runtime
