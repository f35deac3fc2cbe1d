// SPDX-License-Identifier: Apache-2.0
#include "podman/command_line.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "json/writer.h"

namespace reprise::podman {

using base::Error;
using base::ErrorCode;
using base::fail;

namespace {

// Options of `podman run`, `podman create` and of `podman` itself that take no separate value
// (Podman 4.3 to 5.4). Everything else does.
constexpr std::array kLongFlags = {"--detach",
                                   "--disable-content-trust",
                                   "--env-host",
                                   "--help",
                                   "--http-proxy",
                                   "--init",
                                   "--interactive",
                                   "--no-healthcheck",
                                   "--no-hostname",
                                   "--no-hosts",
                                   "--oom-kill-disable",
                                   "--passwd",
                                   "--privileged",
                                   "--publish-all",
                                   "--quiet",
                                   "--read-only",
                                   "--read-only-tmpfs",
                                   "--remote",
                                   "--replace",
                                   "--rm",
                                   "--rmi",
                                   "--rootfs",
                                   "--sig-proxy",
                                   "--syslog",
                                   "--tls-verify",
                                   "--transient-store",
                                   "--tty",
                                   "--unsetenv-all",
                                   "--version"};
constexpr std::string_view kShortFlags = "ditqPrv";
// After the verb, `-v` is --volume and `-r` does not exist.
constexpr std::string_view kShortFlagsOfVerb = "ditqP";

// What `podman create` does not know, or what must not happen a second time: --replace would remove
// somebody else's container of that name, a --cidfile that exists is an error, and to --pull an
// image that is named by its id is another one.
constexpr std::array kNotAgain = {"--detach",       "--detach-keys", "--passwd",    "--preserve-fd",
                                  "--preserve-fds", "--rmi",         "--sig-proxy", "--cidfile",
                                  "--replace",      "--name",        "--pull"};

bool contains(const auto& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

OptionWord read_long(const std::vector<std::string>& words, std::size_t index) {
  const std::string& word = words[index];
  OptionWord option{.index = index};
  const std::size_t equals = word.find('=');
  option.name = word.substr(0, equals);
  if (equals != std::string::npos) {
    option.value = word.substr(equals + 1);
  } else if (!contains(kLongFlags, option.name) && index + 1 < words.size()) {
    option.value = words[index + 1];
    option.count = 2;
  }
  return option;
}

// "-dit", "-e" "A=b", "-eA=b", "-ite" "A=b", "-d=true".
OptionWord read_short(const std::vector<std::string>& words, std::size_t index,
                      std::string_view flags) {
  const std::string& word = words[index];
  OptionWord option{.index = index};
  for (std::size_t i = 1; i < word.size(); ++i) {
    option.short_flags += word[i];
    const bool has_value = i + 1 < word.size() && word[i + 1] == '=';
    if (has_value) {
      option.value = word.substr(i + 2);
      return option;
    }
    if (flags.find(word[i]) != std::string_view::npos) continue;
    if (i + 1 < word.size()) {
      option.value = word.substr(i + 1);
    } else if (index + 1 < words.size()) {
      option.value = words[index + 1];
      option.count = 2;
    }
    return option;
  }
  return option;
}

OptionWords read_options(const std::vector<std::string>& words, std::size_t begin,
                         std::string_view flags) {
  OptionWords result;
  std::size_t index = begin;
  while (index < words.size()) {
    const std::string& word = words[index];
    if (word == "--") {
      ++index;
      break;
    }
    if (word.size() < 2 || word[0] != '-') break;
    OptionWord option = word[1] == '-' ? read_long(words, index) : read_short(words, index, flags);
    index += option.count;
    result.options.push_back(std::move(option));
  }
  result.end = index;
  return result;
}

// Whether somebody who wrote `written` can have meant the image of `info`: names are completed with
// a registry and a tag, ids may be shortened.
bool names_image(std::string_view written, const ContainerInfo& info) {
  if (written.empty()) return false;
  if (info.image_id.starts_with(written) || written == "sha256:" + info.image_id) return true;
  const std::string_view name = info.image_name;
  std::string wanted(written);
  if (const std::size_t at = wanted.find('@'); at != std::string::npos) {
    const std::string_view repository = name.substr(0, std::min(name.find('@'), name.rfind(':')));
    return repository == wanted.substr(0, at) || repository.ends_with("/" + wanted.substr(0, at));
  }
  for (const std::string& candidate : {wanted, wanted + ":latest"})
    if (name == candidate || name.ends_with("/" + candidate)) return true;
  return false;
}

// Where IMAGE would stand if the words behind it were the container's command.
std::optional<std::size_t> index_before_command(const ContainerInfo& info, std::size_t begin) {
  const auto& words = info.create_command;
  const auto& tail = info.command;
  if (tail.size() + 1 + begin > words.size()) return std::nullopt;
  const std::size_t image = words.size() - tail.size() - 1;
  if (!std::equal(tail.begin(), tail.end(), words.begin() + static_cast<std::ptrdiff_t>(image) + 1))
    return std::nullopt;
  return image;
}

bool is_false(const OptionWord& option) {
  return option.value && (*option.value == "false" || *option.value == "0");
}

// As Podman reads `--entrypoint`: a text that begins otherwise would be split at its blanks.
std::string json_list(const std::string& word) {
  using nlohmann::json;
  return json_writer::print(json::array({word}));
}

// The word without its `d`; empty if nothing else is in it.
std::string without_detach(const std::string& word, const OptionWord& option) {
  const std::size_t d = option.short_flags.find('d');
  if (d == std::string::npos) return word;
  std::string kept = word;
  if (d + 1 == option.short_flags.size() && option.value && option.count == 1)
    kept.erase(1 + d);  // "-id=true": the value belongs to the d
  else
    kept.erase(1 + d, 1);
  return kept == "-" ? "" : kept;
}

// Appends the words of `option`, without detaching, and without what `leave_out` names.
void append_option(std::vector<std::string>& result, const std::vector<std::string>& words,
                   const OptionWord& option, const auto& leave_out) {
  if (!option.name.empty() && contains(leave_out, option.name)) return;
  const std::string first =
      option.name.empty() ? without_detach(words[option.index], option) : words[option.index];
  if (first.empty()) return;
  result.push_back(first);
  if (option.count == 2) result.push_back(words[option.index + 1]);
}

}  // namespace

OptionWords parse_options(const std::vector<std::string>& words, std::size_t begin) {
  return read_options(words, begin, kShortFlagsOfVerb);
}

Result<std::size_t> verb_index(const std::vector<std::string>& command) {
  std::size_t index = command.empty() ? 0 : read_options(command, 1, kShortFlags).end;
  if (index < command.size() && command[index] == "container")
    index = parse_options(command, index + 1).end;
  if (index < command.size() && (command[index] == "run" || command[index] == "create"))
    return index;
  return std::unexpected(
      Error(ErrorCode::kUnsupported, "it was not made by 'podman run' or 'podman create'")
          .with_hint("start it with 'reprise run', so that it can be made again"));
}

Result<std::size_t> image_index_in_command(const ContainerInfo& info) {
  const std::vector<std::string>& words = info.create_command;
  const std::size_t begin = REPRISE_PASS(verb_index(words)) + 1;
  const std::size_t by_options = parse_options(words, begin).end;
  const std::optional<std::size_t> by_command = index_before_command(info, begin);
  if (by_options < words.size() && names_image(words[by_options], info)) return by_options;
  if (by_command && names_image(words[*by_command], info)) return *by_command;
  // Two independent readings that agree are enough for an image that has lost its name.
  if (by_command && *by_command == by_options) return by_options;
  if (words.size() > begin && names_image(words.back(), info)) return words.size() - 1;
  return std::unexpected(
      Error(ErrorCode::kUnsupported,
            "the image cannot be found in the command that made '" + info.name + "'")
          .with_hint("name the image as 'podman inspect' shows it ('" + info.image_name + "')"));
}

Result<KeptCommand> kept_command(const ContainerInfo& info) {
  const std::size_t index = REPRISE_PASS(image_index_in_command(info));
  std::vector<std::string> words = info.create_command;
  KeptCommand kept{.image = words.at(index), .image_index = index};
  if (!info.image_id.empty()) words[index] = info.image_id;  // without one: --rootfs
  // Arguments of programs may be any bytes; JSON may not.
  using nlohmann::json;
  kept.words = json_writer::print(json(words));
  return kept;
}

Result<std::vector<std::string>> create_command_again(const std::vector<std::string>& recorded,
                                                      std::size_t image_index,
                                                      const CreateEdits& edits) {
  const std::size_t verb = REPRISE_PASS(verb_index(recorded));
  if (image_index <= verb || image_index >= recorded.size())
    return fail(ErrorCode::kInvalidInput,
                "the recorded command has no image at its word " + std::to_string(image_index));
  const auto word = [&](std::size_t i) {
    return recorded.begin() + static_cast<std::ptrdiff_t>(i);
  };
  // Whatever path the user called it by, it is the Podman of this machine.
  std::vector<std::string> result = {"podman"};
  result.insert(result.end(), word(1), word(verb));
  result.emplace_back("create");
  const std::vector<std::string> before_image(word(0), word(image_index));
  for (const OptionWord& option : parse_options(before_image, verb + 1).options)
    append_option(result, before_image, option, kNotAgain);
  if (!edits.name.empty()) result.insert(result.end(), {"--name", edits.name});
  result.insert(result.end(), edits.options.begin(), edits.options.end());
  if (recorded[image_index - 1] == "--") result.emplace_back("--");
  result.insert(result.end(), word(image_index), recorded.end());
  return result;
}

CreateCommand create_command(const NewContainer& container) {
  std::vector<std::string> words = {
      "podman",          "--runtime",
      container.runtime, "create",
      "--annotation",    std::string(kOnStopAnnotation) + "=" + std::string(kOnStopCheckpoint)};
  if (container.terminal) words.emplace_back("--tty");
  if (container.keeps_stdin) words.emplace_back("--interactive");
  if (container.without_network) words.insert(words.end(), {"--network", "none"});
  auto argument = container.command.begin();
  if (container.own_entrypoint && argument != container.command.end())
    words.insert(words.end(), {"--entrypoint", json_list(*argument++)});
  words.emplace_back("--");
  CreateCommand result{.image_index = words.size()};
  words.push_back(container.image);
  words.insert(words.end(), argument, container.command.end());
  result.words = std::move(words);
  return result;
}

std::vector<std::string> detached_run_command(const std::string& runtime,
                                              const std::vector<std::string>& arguments) {
  std::vector<std::string> result = {
      "podman",
      "--runtime",
      runtime,
      "run",
      "-d",
      "--annotation",
      std::string(kOnStopAnnotation) + "=" + std::string(kOnStopCheckpoint)};
  const OptionWords parsed = parse_options(arguments, 0);
  // A later --detach=false would take back our -d. Everything else passes through as it is.
  constexpr std::array kDetach = {"--detach"};
  std::size_t next = 0;
  for (const OptionWord& option : parsed.options) {
    if (option.name == "--detach" || (is_false(option) && option.short_flags.ends_with('d')))
      append_option(result, arguments, option, kDetach);
    else
      result.insert(result.end(), arguments.begin() + static_cast<std::ptrdiff_t>(option.index),
                    arguments.begin() + static_cast<std::ptrdiff_t>(option.index + option.count));
    next = option.index + option.count;
  }
  result.insert(result.end(), arguments.begin() + static_cast<std::ptrdiff_t>(next),
                arguments.end());
  return result;
}

}  // namespace reprise::podman
