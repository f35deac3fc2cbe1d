// SPDX-License-Identifier: Apache-2.0
//
// What a command can be called with: declared by the command, parsed before it runs. Hides CLI11,
// whose header costs each file that includes it five seconds of compilation.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace reprise::cli {

// One that was declared. Refers to its Arguments, which must outlive it. Each call returns the same
// argument, so that calls can be chained.
class Argument {
 public:
  explicit Argument(CLI::Option* option) : option_(option) {}

  Argument required();
  Argument needs(Argument other);
  Argument excludes(Argument other);
  Argument within(int least, int most);
  Argument one_of(std::vector<std::string> values);
  Argument takes_one();  // value for each time that it is given
  Argument show_default();

 private:
  CLI::Option* option_;
};

// Names are as in CLI11: "-t,--time" is an option, "NAME" a positional argument. `value` gets what
// is given, must outlive the parsing, and stays as it is where nothing is given.
class Arguments {
 public:
  explicit Arguments(CLI::App& app) : app_(app) {}

  Argument add_option(const std::string& names, std::string& value, const std::string& help);
  Argument add_option(const std::string& names, std::optional<std::string>& value,
                      const std::string& help);
  Argument add_option(const std::string& names, std::vector<std::string>& values,
                      const std::string& help);
  Argument add_option(const std::string& names, int& value, const std::string& help);
  Argument add_option(const std::string& names, std::optional<std::uint64_t>& value,
                      const std::string& help);
  // For what has a form of its own: an error of `read` refuses the value, in its words.
  Argument add_option(const std::string& names,
                      std::function<base::Result<void>(const std::string& text)> read,
                      const std::string& help);
  // Gets all values at once.
  Argument add_list(const std::string& names,
                    std::function<void(const std::vector<std::string>& values)> take,
                    const std::string& help);
  Argument add_flag(const std::string& names, bool& value, const std::string& help);

 private:
  CLI::App& app_;
};

// What a person is told of a command.
struct Manual {
  std::string name;  // "reprise stop"
  std::string summary;
  std::string details;  // behind the options
};

// Has `declare` declare what there is, and parses `args`. False if they asked for help, which is on
// `out` then. kInvalidInput, with the command's name and a hint, if they do not fit.
base::Result<bool> parse_arguments(const Manual& manual, std::vector<std::string> args,
                                   const std::function<void(Arguments&)>& declare,
                                   std::ostream& out);

}  // namespace reprise::cli
