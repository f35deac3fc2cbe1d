// SPDX-License-Identifier: Apache-2.0
//
// The command line of an OCI runtime, taken apart as far as we need it; everything else passes
// through untouched.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reprise::runtime {

// `runc [GLOBAL…] VERB [OPTION…] [ARGUMENT…]`. runc accepts `--name value`, `--name=value` and the
// same with one dash.
struct Arguments {
  std::vector<std::string> all;      // as given, without argv[0]
  std::vector<std::string> globals;  // before the verb
  std::string verb;                  // empty if there is none
  std::vector<std::string> rest;     // after the verb

  static Arguments parse(std::span<char* const> argv);

  // The value of a global option or an option of the verb ("root", "bundle"), if given.
  [[nodiscard]] std::optional<std::string> global(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> option(std::string_view name) const;
  [[nodiscard]] bool has_flag(std::string_view name) const;  // in `rest`
  // What is left of `rest` without options (and the values of `valued` ones).
  [[nodiscard]] std::vector<std::string> positional(std::span<const std::string_view> valued) const;
  // The globals that name the container's state and how its cgroup is managed: those that a later
  // call of ours must repeat. Log files are the caller's.
  [[nodiscard]] std::vector<std::string> state_globals() const;
};

}  // namespace reprise::runtime
