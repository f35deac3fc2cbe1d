// SPDX-License-Identifier: Apache-2.0
//
// What people read when a program of ours does not understand its words: in our words, whatever
// parses them, and with the exit status that all errors of this kind have.
#pragma once

#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace reprise::usage {

// kInvalidInput, with the name of the command and a hint.
base::Error error_of(const CLI::App& app, const CLI::ParseError& error);

// Parses `args`, which are without the program's name. nullopt: go on. Else the exit status: 0 with
// help or version on `out`; 2 with the error on `err`.
std::optional<int> parse(CLI::App& app, std::vector<std::string> args, std::ostream& out,
                         std::ostream& err);

}  // namespace reprise::usage
