// SPDX-License-Identifier: Apache-2.0
#include "podman/command_edit.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "podman/command_line.h"

namespace reprise::podman {

using base::ErrorCode;
using base::fail;

namespace {

using Words = std::vector<std::string>;

std::string long_name(const OptionWord& option) {
  if (!option.name.empty()) return option.name;
  const char last = option.short_flags.empty() ? '\0' : option.short_flags.back();
  if (last == 'p') return "--publish";
  if (last == 'v') return "--volume";
  return std::string("-") + last;
}

Words split(std::string_view text, char separator) {
  Words parts;
  for (;;) {
    const std::size_t end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string join(const Words& parts, char separator) {
  std::string text;
  for (const std::string& part : parts) {
    if (&part != &parts.front()) text += separator;
    text += part;
  }
  return text;
}

// The words for an option whose value is now `value`.
Words rewritten(const OptionWord& option, const std::string& name,
                const std::optional<std::string>& value) {
  Words words;
  // "-dp 80:80": what stands before the p stays.
  if (option.name.empty() && option.short_flags.size() > 1)
    words.push_back("-" + option.short_flags.substr(0, option.short_flags.size() - 1));
  if (!value) return words;
  if (name.starts_with("--")) {
    words.push_back(name + "=" + *value);
  } else {
    words.push_back(name);
    words.push_back(*value);
  }
  return words;
}

// [[IP:][HOSTPORT]:]PORT[/PROTOCOL]
bool names_host_port(std::string_view publish) {
  const std::size_t last = publish.rfind(':');
  if (last == std::string_view::npos) return false;
  const std::string_view host = publish.substr(0, last);
  const std::size_t colon = host.rfind(':');
  return !(colon == std::string_view::npos ? host : host.substr(colon + 1)).empty();
}

// "NET:ip=10.88.0.7,alias=db" without what belongs to one container.
std::string without_addresses(const std::string& network) {
  const std::size_t colon = network.find(':');
  if (colon == std::string::npos) return network;
  Words kept;
  for (const std::string& part : split(network.substr(colon + 1), ','))
    if (!part.starts_with("ip=") && !part.starts_with("ip6=") && !part.starts_with("mac="))
      kept.push_back(part);
  return network.substr(0, colon) + (kept.empty() ? "" : ":" + join(kept, ','));
}

std::string with_other_source(const std::string& mount,
                              const std::map<std::string, std::string>& names) {
  Words fields = split(mount, ',');
  if (std::ranges::find(fields, "type=volume") == fields.end()) return mount;
  for (std::string& field : fields) {
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos) continue;
    const std::string key = field.substr(0, equals);
    const auto found = names.find(field.substr(equals + 1));
    if ((key == "source" || key == "src") && found != names.end())
      field = key + "=" + found->second;
  }
  return join(fields, ',');
}

}  // namespace

Result<RecordedCommand> edit_options(const RecordedCommand& command, const EditValue& edit) {
  const Words& words = command.words;
  const std::size_t verb = REPRISE_PASS(verb_index(words));
  if (command.image_index <= verb || command.image_index >= words.size())
    return fail(ErrorCode::kInvalidInput, "the recorded command has no image at its word " +
                                              std::to_string(command.image_index));
  const auto word = [&](std::size_t i) { return words.begin() + static_cast<std::ptrdiff_t>(i); };
  const Words before_image(words.begin(), word(command.image_index));
  Words result(words.begin(), word(verb + 1));
  std::size_t next = verb + 1;
  for (const OptionWord& option : parse_options(before_image, verb + 1).options) {
    next = std::min(option.index + option.count, command.image_index);
    const std::string name = long_name(option);
    const auto value = option.value ? edit(name, *option.value) : std::nullopt;
    if (value == option.value)
      result.insert(result.end(), word(option.index), word(next));
    else
      std::ranges::move(rewritten(option, name, value), std::back_inserter(result));
  }
  result.insert(result.end(), word(next), word(command.image_index));  // "--"
  const std::size_t image_index = result.size();
  result.insert(result.end(), word(command.image_index), words.end());
  return RecordedCommand{.words = std::move(result), .image_index = image_index};
}

Result<SharedCommand> without_exclusive_options(const RecordedCommand& command) {
  constexpr std::array<std::string_view, 5> kExclusive = {"--ip", "--ip6", "--mac-address",
                                                          "--pidfile", "--conmon-pidfile"};
  SharedCommand shared;
  const auto edit = [&](std::string_view option,
                        const std::string& value) -> std::optional<std::string> {
    std::optional<std::string> kept = value;
    if (std::ranges::find(kExclusive, option) != kExclusive.end() ||
        (option == "--publish" && names_host_port(value)))
      kept.reset();
    else if (option == "--network" || option == "--net")
      kept = without_addresses(value);
    if (kept != value) shared.left_out.push_back(std::string(option) + " " + value);
    return kept;
  };
  shared.command = REPRISE_PASS(edit_options(command, edit));
  return shared;
}

Result<RecordedCommand> with_other_volumes(const RecordedCommand& command,
                                           const std::map<std::string, std::string>& names) {
  return edit_options(
      command,
      [&](std::string_view option, const std::string& value) -> std::optional<std::string> {
        if (option == "--mount") return with_other_source(value, names);
        if (option != "--volume") return value;
        const std::size_t colon = value.find(':');
        const auto found = names.find(value.substr(0, colon));
        if (colon == std::string::npos || found == names.end()) return value;
        return found->second + value.substr(colon);
      });
}

std::vector<std::string> program_of(const RecordedCommand& command) {
  constexpr std::array<std::string_view, 5> kLong = {"--entrypoint", "--env", "--env-file",
                                                     "--user", "--workdir"};
  constexpr std::string_view kShort = "euw";
  std::vector<std::string> program;
  const auto verb = verb_index(command.words);
  if (!verb || command.image_index >= command.words.size()) return program;
  for (const OptionWord& option : parse_options(command.words, *verb + 1).options) {
    if (option.index >= command.image_index || !option.value) continue;
    if (!option.name.empty()) {
      if (std::ranges::find(kLong, option.name) != kLong.end())
        program.push_back(option.name + "=" + *option.value);
      continue;
    }
    if (option.short_flags.empty()) continue;
    const std::size_t known = kShort.find(option.short_flags.back());
    if (known == std::string_view::npos) continue;
    constexpr std::array<std::string_view, 3> kNames = {"--env", "--user", "--workdir"};
    program.push_back(std::string(kNames.at(known)) + "=" + *option.value);
  }
  program.insert(program.end(),
                 command.words.begin() + static_cast<std::ptrdiff_t>(command.image_index),
                 command.words.end());
  return program;
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "bkmgtp";
  constexpr unsigned kBitsPerUnit = 10;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return std::nullopt;
  std::string unit(text.substr(static_cast<std::size_t>(end - text.data())));
  for (char& c : unit) c = static_cast<char>(c | 0x20);  // lower case
  std::size_t power = 0;
  if (!unit.empty()) {
    power = kUnits.find(unit[0]);
    const std::string_view rest = std::string_view(unit).substr(1);
    if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib"))
      return std::nullopt;
  }
  const double bytes = std::ldexp(number, static_cast<int>(power * kBitsPerUnit));
  constexpr double kMost = 9e18;
  if (bytes > kMost) return std::nullopt;
  return static_cast<std::uint64_t>(bytes);
}

}  // namespace reprise::podman
