// SPDX-License-Identifier: Apache-2.0
#include "cli/arguments.h"

#include <gtest/gtest.h>

#include <sstream>

namespace reprise::cli {
namespace {

const Manual kManual{.name = "reprise try", .summary = "Tries", .details = "At length."};

struct Given {
  std::vector<std::string> names;
  std::optional<std::string> remote;
  std::optional<std::uint64_t> most;
  std::string form = "zstd";
  int time = 600;
  bool all = false;
};

base::Result<bool> parse(std::vector<std::string> args, Given& given, std::ostream& out) {
  const auto declare = [&given](Arguments& arguments) {
    arguments.add_option("NAME", given.names, "names").required();
    const Argument remote = arguments.add_option("--remote", given.remote, "where");
    arguments.add_option("--most", given.most, "how many");
    arguments.add_option("--form", given.form, "how").one_of({"zstd", "none"}).show_default();
    arguments.add_option("-t,--time", given.time, "seconds").within(0, 1000);
    arguments.add_flag("--all", given.all, "all").excludes(remote);
    arguments.add_option(
        "--odd",
        [](const std::string& text) -> base::Result<void> {
          if (text == "1") return {};
          return base::fail(base::ErrorCode::kInvalidInput, "'" + text + "' is even");
        },
        "odd");
  };
  return parse_arguments(kManual, std::move(args), declare, out);
}

std::string refusal(std::vector<std::string> args) {
  Given given;
  std::ostringstream out;
  const auto parsed = parse(std::move(args), given, out);
  return parsed ? "" : parsed.error().message();
}

TEST(Arguments, AreReadAndOthersStayAsTheyWere) {
  Given given;
  std::ostringstream out;
  ASSERT_TRUE(parse({"a", "b", "--remote", "r", "--most", "7", "-t", "5"}, given, out).value());
  EXPECT_EQ(given.names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(given.remote, "r");
  EXPECT_EQ(given.most, 7U);
  EXPECT_EQ(given.time, 5);
  EXPECT_EQ(given.form, "zstd");
  EXPECT_FALSE(given.all);
  EXPECT_EQ(out.str(), "");
}

TEST(Arguments, ThatDoNotFitAreRefusedByName) {
  EXPECT_NE(refusal({}), "");
  EXPECT_TRUE(refusal({"a", "--form", "rar"}).contains("--form"));
  EXPECT_TRUE(refusal({"a", "-t", "1001"}).contains("--time"));
  EXPECT_TRUE(refusal({"a", "--all", "--remote", "r"}).contains("--remote"));
  EXPECT_EQ(refusal({"a", "--odd", "2"}), "reprise try: --odd: '2' is even");
  EXPECT_EQ(refusal({"a", "--odd", "1"}), "");
}

TEST(Arguments, HelpShowsThemAndRunsNothing) {
  Given given;
  std::ostringstream out;
  EXPECT_FALSE(parse({"--help"}, given, out).value());
  for (const char* part : {"Tries", "--remote", "--form", "=zstd", "At length."})
    EXPECT_TRUE(out.str().contains(part)) << part;
}

}  // namespace
}  // namespace reprise::cli
