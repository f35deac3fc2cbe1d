// SPDX-License-Identifier: Apache-2.0
#include "oci/runtime.h"

#include <string_view>

#include "sys/child.h"
#include "sys/files.h"
#include "sys/unmount.h"

namespace reprise::oci {

using base::ErrorCode;
using base::Result;

std::string root_of(const std::vector<std::string>& state_args) {
  constexpr std::string_view kOption = "--root=";
  for (std::size_t i = 0; i < state_args.size(); ++i) {
    if (state_args[i].starts_with(kOption)) return state_args[i].substr(kOption.size());
    if (state_args[i] == "--root" && i + 1 < state_args.size()) return state_args[i + 1];
  }
  return kDefaultRoot;
}

std::vector<std::string> Runtime::command(const std::vector<std::string>& words) const {
  std::vector<std::string> argv = {program.string()};
  argv.insert(argv.end(), state_args.begin(), state_args.end());
  argv.insert(argv.end(), words.begin(), words.end());
  return argv;
}

std::filesystem::path Runtime::directory_of(const base::ContainerId& id) const {
  return std::filesystem::path(root_of(state_args)) / id.str();
}

Result<State> Runtime::state_of(const base::ContainerId& id) const {
  const Result<std::string> text = sys::read_file(directory_of(id) / "state.json");
  if (!text && text.error().code() == ErrorCode::kNotFound)
    return base::fail(ErrorCode::kNotFound, "container '" + id.str() + "' is not running");
  if (!text) return std::unexpected(text.error());
  return parse_state(*text);
}

Result<void> Runtime::release_restore_root(const base::ContainerId& id) const {
  return sys::detach_mount(directory_of(id) / "criu-root");
}

std::string Runtime::version() const {
  constexpr std::chrono::seconds kLimit{10};
  const Result<std::string> out = sys::run_ok({program.string(), "--version"}, kLimit);
  return out ? out->substr(0, out->find('\n')) : "";
}

Result<void> Runtime::kill(const base::ContainerId& id, int signal) const {
  constexpr std::chrono::seconds kLimit{20};
  REPRISE_TRY(sys::run_ok(command({"kill", id.str(), std::to_string(signal)}), kLimit),
              "delivering signal " + std::to_string(signal));
  return {};
}

Result<void> Runtime::remove(const base::ContainerId& id, std::chrono::seconds limit) const {
  REPRISE_PASS(sys::run_ok(command({"delete", "--force", id.str()}), limit));
  return {};
}

}  // namespace reprise::oci
