// SPDX-License-Identifier: Apache-2.0
#include "container/joined_namespaces.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "json/reader.h"
#include "json/writer.h"
#include "oci/runtime.h"
#include "sys/files.h"

namespace reprise::container {

using base::ErrorCode;
using base::Result;
using nlohmann::ordered_json;

namespace {

// runc's names, and the kernel's.
constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kTypes = {
    {{"NEWNET", "net"},
     {"NEWIPC", "ipc"},
     {"NEWUTS", "uts"},
     {"NEWPID", "pid"},
     {"NEWNS", "mnt"},
     {"NEWUSER", "user"},
     {"NEWCGROUP", "cgroup"}}};

bool is_gone(const std::string& path) {
  std::error_code error;
  // Any other error than that leaves the word to runc.
  return !path.empty() && !std::filesystem::exists(path, error) && !error;
}

std::string path_of_init(std::string_view type, pid_t init) {
  return "/proc/" + std::to_string(init) + "/ns/" + std::string(type);
}

std::vector<std::string> gone_paths(std::string_view state_json) {
  std::vector<std::string> gone;
  const auto state = json_reader::parse<ordered_json>(state_json);
  for (const auto& ns : state.at("config").at("namespaces"))
    if (const auto path = ns.value("path", ""); is_gone(path)) gone.push_back(path);
  return gone;
}

}  // namespace

Result<std::string> with_paths_of_init(std::string_view state_json,
                                       const std::vector<std::string>& gone, pid_t init) {
  try {
    auto state = json_reader::parse<ordered_json>(state_json);
    for (auto& ns : state.at("config").at("namespaces")) {
      if (std::ranges::find(gone, ns.value("path", "")) == gone.end()) continue;
      const auto type = ns.at("type").get<std::string>();
      for (const auto& [name, file] : kTypes)
        if (type == name) ns["path"] = path_of_init(file, init);
    }
    return json_writer::print(state);
  } catch (const nlohmann::json::exception& error) {
    return base::fail(ErrorCode::kCorrupt,
                      std::string("unreadable state of runc: ") + error.what());
  }
}

Result<void> mend_joined_namespaces(const oci::Runtime& runtime, const base::ContainerId& id,
                                    pid_t init) {
  const std::filesystem::path file = runtime.directory_of(id) / "state.json";
  const std::string text = REPRISE_PASS(sys::read_file(file));
  std::vector<std::string> gone;
  try {
    gone = gone_paths(text);
  } catch (const nlohmann::json::exception& error) {
    return base::fail(ErrorCode::kCorrupt,
                      std::string("unreadable state of runc: ") + error.what());
  }
  if (gone.empty()) return {};
  return sys::replace_file(file, REPRISE_PASS(with_paths_of_init(text, gone, init)));
}

std::string network_path_of(const std::string& path, pid_t init) {
  return is_gone(path) ? path_of_init("net", init) : path;
}

std::string network_of(const oci::Spec& spec, const oci::State& state) {
  if (spec.network_namespace_path.empty()) return path_of_init("net", state.init.pid);
  return network_path_of(spec.network_namespace_path, state.init.pid);
}

}  // namespace reprise::container
