// SPDX-License-Identifier: Apache-2.0
#include "archive/container_dump.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>

#include "archive/entry_name.h"
#include "archive/internal/json.h"
#include "base/id.h"
#include "json/reader.h"

namespace reprise::archive {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

namespace {

constexpr std::size_t kMaxWords = 100'000;    // of a command
constexpr std::size_t kMaxWord = 128 * 1024;  // MAX_ARG_STRLEN
constexpr std::size_t kMaxAddresses = 16;
constexpr std::size_t kMaxImageName = 512;

bool is_image_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxImageName && name.front() != '-' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("._:/@-").contains(c);
         });
}

bool is_hex_id(std::string_view id) {
  constexpr std::size_t kLength = 64;
  return id.size() == kLength && id.find_first_not_of("0123456789abcdef") == id.npos;
}

// Empty rather than refused: a name that Podman would not take is simply not used.
std::string usable_id(const std::string& id) { return base::parse_id(id) ? id : std::string(); }

Result<std::string> image_of(const json& config) {
  for (const char* field : {"rootfsImageName", "rootfsImage", "rootfsImageRef"}) {
    const std::string name = REPRISE_PASS(text_field(config, "config.dump", field));
    if (name.empty()) continue;
    if (is_image_name(name)) return name;
    return fail(ErrorCode::kCorrupt,
                "'config.dump': " + in_ticks(name) + " cannot be the name of an image");
  }
  return fail(ErrorCode::kCorrupt, "'config.dump' names no image");
}

Result<std::vector<std::string>> command_of(const json& process) {
  auto words = REPRISE_PASS(texts_field(process, "spec.dump", "args"));
  if (words.empty() || words.size() > kMaxWords)
    return fail(ErrorCode::kCorrupt, "'spec.dump' has no usable command ('process.args')");
  for (const std::string& word : words)
    if (word.size() >= kMaxWord || word.contains('\0'))
      return fail(ErrorCode::kCorrupt, "'spec.dump': a word of the command is no argument");
  return words;
}

Result<void> read_spec(ContainerWishes& wishes, const json& spec) {
  const json process = REPRISE_PASS(object_field(spec, "spec.dump", "process"));
  wishes.command = REPRISE_PASS(command_of(process));
  wishes.terminal = REPRISE_PASS(flag_field(process, "spec.dump", "terminal"));
  for (const json& mount : REPRISE_PASS(list_field(spec, "spec.dump", "mounts"))) {
    const std::string type = REPRISE_PASS(text_field(mount, "spec.dump", "type"));
    const std::string at = REPRISE_PASS(text_field(mount, "spec.dump", "destination"));
    if (!at.starts_with('/') || (at != "/" && !safe_name(at.substr(1))))
      return fail(ErrorCode::kCorrupt, "'spec.dump': " + in_ticks(at) + " is no place of a mount");
    if (type == "bind") wishes.bind_mounts.push_back(at);
  }
  std::ranges::sort(wishes.bind_mounts);
  const auto same = std::ranges::unique(wishes.bind_mounts);
  wishes.bind_mounts.erase(same.begin(), same.end());
  return {};
}

Result<void> read_config(ContainerWishes& wishes, const json& config) {
  wishes.id = usable_id(REPRISE_PASS(text_field(config, "config.dump", "id")));
  wishes.name = usable_id(REPRISE_PASS(text_field(config, "config.dump", "name")));
  wishes.image_name = REPRISE_PASS(image_of(config));
  wishes.runtime = usable_id(REPRISE_PASS(text_field(config, "config.dump", "runtime")));
  const std::string image_id = REPRISE_PASS(text_field(config, "config.dump", "rootfsImageID"));
  if (is_hex_id(image_id)) wishes.image_id = image_id;
  wishes.keeps_stdin = REPRISE_PASS(flag_field(config, "config.dump", "stdin"));
  const std::string mode = REPRISE_PASS(text_field(config, "config.dump", "networkMode"));
  wishes.without_network = mode == "none";
  wishes.host_network = mode == "host";
  // Podman splits the command as its users do; the others do not tell.
  const auto words = REPRISE_PASS(texts_field(config, "config.dump", "command"));
  wishes.own_entrypoint = words.empty() || words != wishes.command;
  for (const json& volume : REPRISE_PASS(list_field(config, "config.dump", "namedVolumes"))) {
    const std::string name = REPRISE_PASS(text_field(volume, "config.dump", "volumeName"));
    wishes.named_volumes.push_back(in_ticks(name));
  }
  return {};
}

bool is_address(const std::string& text) {
  const std::size_t slash = text.find('/');
  const std::string bare = text.substr(0, slash);
  if (slash == std::string::npos) return false;
  std::array<unsigned char, sizeof(in6_addr)> parsed{};
  const bool v4 = ::inet_pton(AF_INET, bare.c_str(), parsed.data()) == 1;
  const bool v6 = !v4 && ::inet_pton(AF_INET6, bare.c_str(), parsed.data()) == 1;
  unsigned length = 0;
  const char* end = text.data() + text.size();
  const auto number = std::from_chars(text.data() + slash + 1, end, length);
  constexpr unsigned kV4 = 32;
  constexpr unsigned kV6 = 128;
  return (v4 || v6) && number.ec == std::errc() && number.ptr == end && length <= (v4 ? kV4 : kV6);
}

}  // namespace

Result<ContainerWishes> parse_container_dump(std::string_view config_dump,
                                             std::string_view spec_dump) {
  ContainerWishes wishes;
  const json spec = REPRISE_PASS(parse_object(spec_dump, "spec.dump"));
  const json config = REPRISE_PASS(parse_object(config_dump, "config.dump"));
  REPRISE_PASS(read_spec(wishes, spec));
  REPRISE_PASS(read_config(wishes, config));
  return wishes;
}

Result<std::vector<std::string>> parse_network_status(std::string_view text) {
  std::vector<std::string> addresses;
  if (const json null = json_reader::parse_or_discarded(text); null.is_null()) return addresses;
  const json status = REPRISE_PASS(parse_object(text, "network.status"));
  for (const json& network : status)
    for (const json& interface :
         REPRISE_PASS(object_field(network, "network.status", "interfaces")))
      for (const json& subnet : REPRISE_PASS(list_field(interface, "network.status", "subnets"))) {
        std::string address = REPRISE_PASS(text_field(subnet, "network.status", "ipnet"));
        if (!is_address(address) || addresses.size() == kMaxAddresses)
          return fail(ErrorCode::kCorrupt,
                      "'network.status': " + in_ticks(address) + " cannot be an address");
        addresses.push_back(std::move(address));
      }
  return addresses;
}

Result<std::vector<std::string>> parse_deleted_files(std::string_view text) {
  const json list = json_reader::parse_or_discarded(text);
  std::vector<std::string> names;
  if (list.is_array())
    for (const json& item : list)
      if (item.is_string()) names.push_back(item.get<std::string>());
  if (!list.is_array() || names.size() != list.size())
    return fail(ErrorCode::kCorrupt, "'deleted.files' is not a JSON list of names");
  return names;
}

}  // namespace reprise::archive
