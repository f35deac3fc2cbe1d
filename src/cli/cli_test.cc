// SPDX-License-Identifier: Apache-2.0
#include "cli/cli.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/error.h"
#include "cli/command.h"
#include "sys/environment.h"

namespace reprise::cli {
namespace {

using base::ErrorCode;

struct Result {
  int status;
  std::string out;
  std::string err;
};

Result call(const std::vector<std::string>& args, uid_t user = 0) {
  std::ostringstream out;
  std::ostringstream err;
  Io io{.out = out, .err = err, .terminal = Terminal::kNo, .user = user};
  const int status = run_cli(args, sys::read_environment(), io);
  return {status, out.str(), err.str()};
}

std::vector<std::string> words_of(std::string_view path) {
  const std::size_t space = path.find(' ');
  if (space == path.npos) return {std::string(path)};
  return {std::string(path.substr(0, space)), std::string(path.substr(space + 1))};
}

TEST(Cli, EveryCommandExplainsItselfWithAnExample) {
  ASSERT_FALSE(commands().empty());
  for (const Command& command : commands()) {
    std::vector<std::string> args = words_of(command.path);
    args.emplace_back("--help");
    const Result result = call(args, /*user=*/1000);  // help needs no rights
    EXPECT_EQ(result.status, 0) << command.path << ": " << result.err;
    EXPECT_NE(result.out.find(command.summary), std::string::npos) << result.out;
    EXPECT_NE(result.out.find("Example:\n  reprise " + std::string(command.path)),
              std::string::npos)
        << result.out;
  }
}

// A new command prints JSON, or is put here because it says no more than that something was done.
TEST(Cli, EveryCommandThatPrintsDataHasJson) {
  const std::set<std::string_view> acting = {
      "run",          "store gc",       "store rotate-key", "store serve",
      "store upload", "checkpoint pin", "checkpoint unpin"};
  for (const Command& command : commands()) {
    std::vector<std::string> args = words_of(command.path);
    args.emplace_back("--help");
    EXPECT_NE(call(args).out.contains("--json"), acting.contains(command.path)) << command.path;
  }
}

TEST(Cli, OverviewListsAllCommands) {
  const Result result = call({"--help"});
  EXPECT_EQ(result.status, 0);
  for (const Command& command : commands())
    EXPECT_NE(result.out.find("  " + std::string(command.path) + " "), std::string::npos);
  EXPECT_EQ(call({}).status, base::exit_code(ErrorCode::kInvalidInput));
}

TEST(Cli, ANounListsItsVerbs) {
  const Result result = call({"checkpoint", "--help"});
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.out.find("checkpoint verify"), std::string::npos);
  EXPECT_EQ(result.out.find("doctor"), std::string::npos);
}

TEST(Cli, PrintsItsVersion) {
  const Result result = call({"--version"});
  EXPECT_EQ(result.status, 0);
  EXPECT_TRUE(result.out.starts_with("reprise 0.")) << result.out;
}

TEST(Cli, RefusesWhatItDoesNotKnow) {
  struct Case {
    std::vector<std::string> args;
    const char* err;
  };
  const Case cases[] = {
      {{"fly"}, "reprise: there is no command 'fly'\nhint: 'reprise --help' lists them\n"},
      {{"checkpoint", "fly"}, "there is no command 'checkpoint fly'"},
      {{"ps", "--fly"}, "hint: see 'reprise ps --help'"},
      {{"stop"}, "NAME is required"},
      {{"stop", "--time", "soon", "x"}, "--time"},
      {{"checkpoint", "create"}, "CONTAINER is required"},
      {{"checkpoint", "verify"}, "nothing to verify"},
      {{"checkpoint", "verify", "--all", "abc"}, "excludes"},
      {{"checkpoint", "create", "x", "--tag", "../y"}, "reading --tag"},
      {{"restore"}, "SUBJECT is required"},
  };
  for (const Case& c : cases) {
    const Result result = call(c.args);
    EXPECT_EQ(result.status, base::exit_code(ErrorCode::kInvalidInput)) << c.args[0];
    EXPECT_NE(result.err.find(c.err), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  }
}

TEST(Cli, SaysThatItNeedsRoot) {
  for (const auto& args : std::vector<std::vector<std::string>>{
           {"ps"}, {"run", "img"}, {"stop", "x"}, {"checkpoint", "ls"}}) {
    const Result result = call(args, /*user=*/1000);
    EXPECT_EQ(result.status, base::exit_code(ErrorCode::kDenied));
    EXPECT_NE(result.err.find("needs root"), std::string::npos) << result.err;
    EXPECT_NE(result.err.find("hint: run it with sudo"), std::string::npos) << result.err;
  }
}

// With a configuration file of this text, and a store that is not the host's.
Result call_configured(const std::string& text, const std::vector<std::string>& args) {
  const std::string directory = testing::TempDir() + "reprise-cli-configured";
  std::ofstream(directory + ".toml") << text;
  ::setenv("REPRISE_CONFIG", (directory + ".toml").c_str(), 1);
  ::setenv("REPRISE_RUN", directory.c_str(), 1);
  ::setenv("REPRISE_KEY_FILE", "/the/key", 1);
  Result result = call(args);
  for (const char* name : {"REPRISE_CONFIG", "REPRISE_RUN", "REPRISE_KEY_FILE", "REPRISE_STORE"})
    ::unsetenv(name);
  return result;
}

TEST(ConfigShow, SaysWhereEachSettingComesFrom) {
  const Result shown = call_configured(
      "[store]\npath = \"/nowhere\"\nkey_file = \"/other\"\n"
      "[remote.depot]\nurl = \"file:///x\"\n",
      {"config", "show"});
  EXPECT_EQ(shown.status, 0) << shown.err;
  const auto row_of = [&](const std::string& setting) {
    const std::size_t begin = shown.out.find(setting + " ");
    return begin == shown.out.npos ? ""
                                   : shown.out.substr(begin, shown.out.find('\n', begin) - begin);
  };
  EXPECT_TRUE(row_of("store.path").contains(" /nowhere ")) << shown.out;
  EXPECT_TRUE(row_of("store.path").ends_with("configured.toml:2")) << shown.out;
  EXPECT_TRUE(row_of("store.key_file").contains(" /the/key ")) << shown.out;
  EXPECT_TRUE(row_of("store.key_file").ends_with(" environment REPRISE_KEY_FILE")) << shown.out;
  EXPECT_TRUE(row_of("remote.depot.url").contains(" file:///x ")) << shown.out;
  EXPECT_TRUE(row_of("remote.depot.url").ends_with("configured.toml:5")) << shown.out;
  EXPECT_TRUE(row_of("remote.depot.upload").contains(" false ")) << shown.out;
  EXPECT_TRUE(row_of("remote.depot.upload").ends_with(" default")) << shown.out;
}

TEST(Cli, RefusesToWorkWithAFaultyConfiguration) {
  const Result refused = call_configured("[store]\npaht = \"/x\"\n", {"config", "show"});
  EXPECT_EQ(refused.status, base::exit_code(ErrorCode::kInvalidInput));
  EXPECT_NE(refused.err.find("line 2: 'paht'"), refused.err.npos) << refused.err;
  EXPECT_EQ(call_configured("[", {"--version"}).status, 0);
}

}  // namespace
}  // namespace reprise::cli
