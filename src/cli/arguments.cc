// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <ostream>
#include <utility>

#include "usage/usage.h"

namespace reprise::cli {

using base::Result;

Argument Argument::required() {
  option_->required();
  return *this;
}

Argument Argument::needs(Argument other) {
  option_->needs(other.option_);
  return *this;
}

Argument Argument::excludes(Argument other) {
  option_->excludes(other.option_);
  return *this;
}

Argument Argument::within(int least, int most) {
  option_->check(CLI::Range(least, most));
  return *this;
}

Argument Argument::one_of(std::vector<std::string> values) {
  option_->check(CLI::IsMember(std::move(values)));
  return *this;
}

Argument Argument::takes_one() {
  option_->allow_extra_args(false);
  return *this;
}

Argument Argument::show_default() {
  option_->capture_default_str();
  return *this;
}

Argument Arguments::add_option(const std::string& names, std::string& value,
                               const std::string& help) {
  return Argument(app_.add_option(names, value, help));
}

Argument Arguments::add_option(const std::string& names, std::optional<std::string>& value,
                               const std::string& help) {
  return Argument(app_.add_option(names, value, help));
}

Argument Arguments::add_option(const std::string& names, std::vector<std::string>& values,
                               const std::string& help) {
  return Argument(app_.add_option(names, values, help));
}

Argument Arguments::add_option(const std::string& names, int& value, const std::string& help) {
  return Argument(app_.add_option(names, value, help));
}

Argument Arguments::add_option(const std::string& names, std::optional<std::uint64_t>& value,
                               const std::string& help) {
  return Argument(app_.add_option(names, value, help));
}

Argument Arguments::add_option(const std::string& names,
                               std::function<Result<void>(const std::string& text)> read,
                               const std::string& help) {
  const auto call = [names, read = std::move(read)](const std::string& text) {
    if (const Result<void> done = read(text); !done)
      throw CLI::ValidationError(names, done.error().message());
  };
  return Argument(app_.add_option_function<std::string>(names, call, help));
}

Argument Arguments::add_list(const std::string& names,
                             std::function<void(const std::vector<std::string>& values)> take,
                             const std::string& help) {
  return Argument(app_.add_option_function<std::vector<std::string>>(names, std::move(take), help));
}

Argument Arguments::add_flag(const std::string& names, bool& value, const std::string& help) {
  return Argument(app_.add_flag(names, value, help));
}

Result<bool> parse_arguments(const Manual& manual, std::vector<std::string> args,
                             const std::function<void(Arguments&)>& declare, std::ostream& out) {
  CLI::App app{manual.summary, manual.name};
  app.footer("\n" + manual.details);
  Arguments arguments(app);
  declare(arguments);
  std::ranges::reverse(args);  // CLI11 takes them from the back
  try {
    app.parse(std::move(args));
  } catch (const CLI::CallForHelp&) {
    out << app.help();
    return false;
  } catch (const CLI::ParseError& error) {
    return std::unexpected(usage::error_of(app, error));
  }
  return true;
}

}  // namespace reprise::cli
