// SPDX-License-Identifier: Apache-2.0
#include "oci/state.h"

#include <nlohmann/json.hpp>

#include "json/reader.h"

namespace reprise::oci {

using base::ErrorCode;
using base::fail;
using base::Result;
using nlohmann::json;

Result<State> parse_state(std::string_view text) {
  try {
    const json j = json_reader::parse(text);
    State state;
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

}  // namespace reprise::oci
