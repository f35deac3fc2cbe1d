// SPDX-License-Identifier: Apache-2.0
#include "usage/usage.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <sstream>

namespace reprise::usage {
namespace {

struct Told {
  std::optional<int> status;
  std::string out, err;
};

Told told(std::vector<std::string> args) {
  std::string pod, time;
  CLI::App app("What it is for.", "tool");
  app.set_version_flag("--version", "1.2");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--time", time);
  app.add_subcommand("look", "Looks")->add_option("POD", pod)->required();
  std::ostringstream out, err;
  const auto status = parse(app, std::move(args), out, err);
  return {.status = status, .out = out.str(), .err = err.str()};
}

TEST(UsageTest, WhatIsUnderstoodIsParsed) {
  const Told found = told({"look", "x", "--time", "3"});
  EXPECT_EQ(found.status, std::nullopt);
  EXPECT_EQ(found.err, "");
}

TEST(UsageTest, HelpAndVersion) {
  EXPECT_EQ(told({"--version"}).status, 0);
  EXPECT_EQ(told({"--version"}).out, "1.2\n");
  EXPECT_EQ(told({"look", "--help"}).status, 0);
  EXPECT_NE(told({"look", "--help"}).out.find("POD"), std::string::npos);
}

TEST(UsageTest, WhatIsNotUnderstoodIsSaidInOurWords) {
  const std::vector<std::pair<std::vector<std::string>, const char*>> cases = {
      {{}, "tool: no command is named"},
      {{"loook", "x"}, "tool: there is no command 'loook'"},
      {{"look"}, "tool look: POD is required"},
      {{"look", "x", "y", "--z"}, "tool look: it does not take 'y', '--z'"},
      {{"look", "x", "--time"}, "tool look: '--time' needs a value"},
  };
  for (const auto& [args, words] : cases) {
    const Told found = told(args);
    EXPECT_EQ(found.status, 2) << words;
    EXPECT_EQ(found.out, "");
    EXPECT_EQ(found.err.find(std::string(words) + "\nhint: see 'tool"), 0U)
        << words << " is not " << found.err;
  }
}

}  // namespace
}  // namespace reprise::usage
