// SPDX-License-Identifier: Apache-2.0
#include "container/runc_state.h"

#include <nlohmann/json.hpp>

#include "container/identity.h"
#include "json/reader.h"
#include "sys/files.h"
#include "sys/unmount.h"

namespace reprise::container {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

Result<RuncState> parse_runc_state(std::string_view text) {
  try {
    const json j = json_reader::parse(text);
    RuncState state;
    state.init.pid = j.at("init_process_pid").get<pid_t>();
    state.init.start_ticks = j.at("init_process_start").get<std::uint64_t>();
    j.at("cgroup_paths").get_to(state.cgroup_paths);
    // Labels are "name=value"; the bundle is one of them, annotations are the others.
    for (const std::string label : j.at("config").at("labels")) {
      const std::size_t equals = label.find('=');
      if (equals == std::string::npos) continue;
      const std::string name = label.substr(0, equals);
      if (name == "bundle")
        state.bundle = label.substr(equals + 1);
      else
        state.annotations[name] = label.substr(equals + 1);
    }
    return state;
  } catch (const json::exception& error) {
    return fail(ErrorCode::kCorrupt,
                std::string("runc's state file is unreadable: ") + error.what());
  }
}

std::filesystem::path runc_directory(const std::vector<std::string>& runtime_args,
                                     const base::ContainerId& id) {
  return std::filesystem::path(runtime_root(runtime_args)) / id.str();
}

Result<void> release_restore_root(const std::vector<std::string>& runtime_args,
                                  const base::ContainerId& id) {
  return sys::detach_mount(runc_directory(runtime_args, id) / "criu-root");
}

Result<RuncState> load_runc_state(const std::vector<std::string>& runtime_args,
                                  const base::ContainerId& id) {
  const Result<std::string> text = sys::read_file(runc_directory(runtime_args, id) / "state.json");
  if (!text && text.error().code() == ErrorCode::kNotFound)
    return fail(ErrorCode::kNotFound, "container '" + id.str() + "' is not running");
  if (!text) return std::unexpected(text.error());
  return parse_runc_state(*text);
}

}  // namespace reprise::container
