// SPDX-License-Identifier: Apache-2.0
#include "install/containerd_config.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <optional>
#include <sstream>

namespace reprise::install {

using base::ErrorCode;
using base::fail;
using base::Result;

namespace {

constexpr std::string_view kOwnLine = "  # by reprise-node\n";
// With the newline before it: a file that ends without one ends so again.
constexpr std::string_view kBegin = "\n# begin reprise-node: do not edit\n";
constexpr std::string_view kEnd = "# end reprise-node\n";

const char* plugin_of(int major) {
  return major >= 2 ? "io.containerd.cri.v1.runtime" : "io.containerd.grpc.v1.cri";
}

std::string item(std::string_view pattern) { return "\"" + std::string(pattern) + "\""; }

std::string own_import(std::string_view pattern) {
  return "imports = [" + item(pattern) + "]" + std::string(kOwnLine);
}

// Where the list of imports begins, behind its '['. Only before the first table: behind it the name
// would be another one's.
std::optional<std::size_t> list_of_imports(const std::string& config) {
  std::size_t at = 0;
  while (at < config.size()) {
    const std::size_t end = std::min(config.find('\n', at), config.size());
    const std::string_view line = std::string_view(config).substr(at, end - at);
    const std::size_t text = line.find_first_not_of(" \t");
    if (text != std::string_view::npos && line[text] == '[') return std::nullopt;
    if (text != std::string_view::npos && line.substr(text).starts_with("imports")) {
      const std::size_t list = line.find('[');
      if (list != std::string_view::npos) return at + list + 1;
    }
    at = end + 1;
  }
  return std::nullopt;
}

// Behind the line of the version, which stays the first thing that a reader sees; else at the top.
std::size_t place_of_line(const std::string& config) {
  std::size_t at = 0;
  while (at < config.size() && config[at] != '[') {
    const std::size_t end = std::min(config.find('\n', at), config.size() - 1);
    if (std::string_view(config).substr(at).starts_with("version")) return end + 1;
    at = end + 1;
  }
  return 0;
}

std::string setting(std::string_view name, const std::string& value) {
  return value.empty() ? "" : "  " + std::string(name) + " = \"" + value + "\"\n";
}

}  // namespace

Result<ContainerdFacts> facts_of(const std::string& dump, const std::filesystem::path& program) {
  const toml::parse_result parsed = toml::parse(dump);
  if (!parsed)
    return fail(ErrorCode::kCorrupt, "what containerd says of its configuration is not readable: " +
                                         std::string(parsed.error().description()));
  ContainerdFacts facts;
  const toml::table& all = parsed.table();
  facts.state = all["state"].value_or(std::string("/run/containerd"));
  facts.socket = all["grpc"]["address"].value_or(std::string());
  if (facts.socket.empty())  // from version 4 on it is a plugin like others
    facts.socket = all["plugins"]["io.containerd.server.v1.grpc"]["address"].value_or(
        (facts.state / "containerd.sock").string());
  for (const int major : {1, 2}) {
    const auto runtimes = all["plugins"][plugin_of(major)]["containerd"]["runtimes"];
    const auto runc = runtimes["runc"];
    facts.systemd_cgroup |= runc["options"]["SystemdCgroup"].value_or(false);
    if (facts.base_runtime_spec.empty())
      facts.base_runtime_spec = runc["base_runtime_spec"].value_or(std::string());
    if (facts.snapshotter.empty()) facts.snapshotter = runc["snapshotter"].value_or(std::string());
    facts.has_handler |=
        runtimes["reprise"]["options"]["BinaryName"].value_or(std::string()) == program.string();
  }
  return facts;
}

std::string handler_text(int major, const ContainerdFacts& facts,
                         const std::filesystem::path& program) {
  std::ostringstream text;
  const std::string table =
      std::string("plugins.\"") + plugin_of(major) + "\".containerd.runtimes.reprise";
  text << "[" << table << "]\n"
       << "  runtime_type = \"io.containerd.runc.v2\"\n"
       << "  pod_annotations = [\"reprise.dev/*\"]\n"
       << setting("base_runtime_spec", facts.base_runtime_spec)
       << setting("snapshotter", facts.snapshotter) << "[" << table << ".options]\n"
       << "  BinaryName = \"" << program.string() << "\"\n"
       << "  SystemdCgroup = " << (facts.systemd_cgroup ? "true" : "false") << "\n";
  return text.str();
}

std::string with_import(const std::string& config, std::string_view pattern) {
  std::string changed = config;
  if (const auto list = list_of_imports(config)) return changed.insert(*list, item(pattern) + ", ");
  const std::size_t place = place_of_line(config);
  const bool open_line = place == config.size() && !config.empty() && config.back() != '\n';
  return changed.insert(place, (open_line ? "\n" : "") + own_import(pattern));
}

std::string without_import(const std::string& config, std::string_view pattern) {
  std::string changed = config;
  const std::string line = own_import(pattern);
  if (const std::size_t at = config.find(line); at != std::string::npos)
    return changed.erase(at, line.size());
  const std::string first = item(pattern) + ", ";
  const auto list = list_of_imports(config);
  if (list && std::string_view(config).substr(*list).starts_with(first))
    changed.erase(*list, first.size());
  return changed;
}

std::string with_block(const std::string& config, std::string_view block) {
  return without_block(config) + std::string(kBegin) + std::string(block) + std::string(kEnd);
}

std::string without_block(const std::string& config) {
  const std::size_t begin = config.find(kBegin);
  const std::size_t end = config.find(kEnd, begin == std::string::npos ? 0 : begin);
  if (begin == std::string::npos || end == std::string::npos) return config;
  return config.substr(0, begin) + config.substr(end + kEnd.size());
}

int major_version(std::string_view text) {
  for (std::size_t at = text.find(' '); at != std::string_view::npos; at = text.find(' ', at + 1)) {
    std::string_view word = text.substr(at + 1);
    if (word.starts_with('v')) word.remove_prefix(1);
    if (word.size() > 1 && word[0] >= '0' && word[0] <= '9' && word[1] == '.') return word[0] - '0';
  }
  return 0;
}

}  // namespace reprise::install
