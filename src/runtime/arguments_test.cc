// SPDX-License-Identifier: Apache-2.0
#include "runtime/arguments.h"

#include <gtest/gtest.h>

#include <array>

namespace reprise::runtime {
namespace {

Arguments parse(std::vector<std::string> words) {
  words.insert(words.begin(), "reprise-runtime");
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  return Arguments::parse(argv);
}

// The calls that conmon 2.1 and containerd's shim make.
TEST(Arguments, TakesConmonsCreateApart) {
  const Arguments a = parse({"--log-format=json", "--log", "/b/oci-log", "create", "--bundle", "/b",
                             "--pid-file", "/b/pidfile", "cafe"});
  EXPECT_EQ(a.verb, "create");
  EXPECT_EQ(a.global("log"), "/b/oci-log");
  EXPECT_EQ(a.global("log-format"), "json");
  EXPECT_EQ(a.option("bundle"), "/b");
  constexpr std::array<std::string_view, 2> kValued = {"bundle", "pid-file"};
  EXPECT_EQ(a.positional(kValued), std::vector<std::string>{"cafe"});
  EXPECT_TRUE(a.state_globals().empty());
}

TEST(Arguments, KeepsTheGlobalsThatNameTheState) {
  const Arguments a =
      parse({"--root", "/run/containerd/runc/k8s.io", "--log", "/b/log.json", "--log-format",
             "json", "--systemd-cgroup", "kill", "--all", "cafe", "15"});
  EXPECT_EQ(a.verb, "kill");
  EXPECT_EQ(a.state_globals(), (std::vector<std::string>{"--root", "/run/containerd/runc/k8s.io",
                                                         "--systemd-cgroup"}));
  EXPECT_TRUE(a.has_flag("all"));
  EXPECT_EQ(a.positional({}), (std::vector<std::string>{"cafe", "15"}));
}

TEST(Arguments, UnderstandsOneDashAndExplicitFalse) {
  const Arguments a = parse(
      {"-root=/r", "--systemd-cgroup=false", "restore", "-no-subreaper", "--no-pivot=false", "id"});
  EXPECT_EQ(a.global("root"), "/r");
  EXPECT_EQ(a.state_globals(), (std::vector<std::string>{"--root", "/r"}));
  EXPECT_TRUE(a.has_flag("no-subreaper"));
  EXPECT_FALSE(a.has_flag("no-pivot"));
}

TEST(Arguments, UnknownGlobalsAreFlags) {
  const Arguments a = parse({"--brand-new", "state", "id"});
  EXPECT_EQ(a.verb, "state");
  EXPECT_EQ(a.globals, std::vector<std::string>{"--brand-new"});
}

TEST(Arguments, NothingIsFine) {
  EXPECT_EQ(parse({}).verb, "");
  EXPECT_EQ(parse({"--version"}).verb, "");
  EXPECT_EQ(parse({"--root"}).global("root"), std::nullopt);
}

}  // namespace
}  // namespace reprise::runtime
