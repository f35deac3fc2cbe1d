// SPDX-License-Identifier: Apache-2.0
#include "usage/usage.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>
#include <utility>

namespace reprise::usage {

namespace {

// The one that was named last, and what one types to call it.
std::pair<const CLI::App*, std::string> called(const CLI::App& app) {
  const CLI::App* last = &app;
  std::string name = app.get_name();
  for (auto below = last->get_subcommands(); !below.empty(); below = last->get_subcommands()) {
    last = below.back();
    name += " " + last->get_name();
  }
  return {last, name};
}

std::string listed(const std::vector<std::string>& words) {
  std::string list;
  for (const std::string& word : words) list += (list.empty() ? "'" : ", '") + word + "'";
  return list;
}

std::string words_of(const CLI::App& app, const CLI::App& last, const CLI::ParseError& error) {
  const std::vector<std::string> left = app.remaining(true);
  const bool lacks_command = last.get_require_subcommand_min() > 0;
  if (lacks_command && left.empty()) return "no command is named";
  if (lacks_command && !left.front().starts_with("-"))
    return "there is no command '" + left[0] + "'";
  if (!left.empty()) return "it does not take " + listed(left);
  std::string text = error.what();
  // "--time: 1 required TEXT missing"
  if (const auto at = text.find(": 1 required ");
      at != std::string::npos && text.ends_with("missing"))
    return "'" + text.substr(0, at) + "' needs a value";
  return text;
}

}  // namespace

base::Error error_of(const CLI::App& app, const CLI::ParseError& error) {
  const auto [last, name] = called(app);
  return base::Error(base::ErrorCode::kInvalidInput, name + ": " + words_of(app, *last, error))
      .with_hint("see '" + name + " --help'");
}

std::optional<int> parse(CLI::App& app, std::vector<std::string> args, std::ostream& out,
                         std::ostream& err) {
  std::ranges::reverse(args);  // CLI11 takes them from the back
  try {
    app.parse(std::move(args));
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error, out, err);  // help, or the version
    const base::Error said = error_of(app, error);
    err << said.message() << "\nhint: " << said.hint() << "\n";
    return base::exit_code(said.code());
  }
  return std::nullopt;
}

}  // namespace reprise::usage
