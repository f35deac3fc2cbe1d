// SPDX-License-Identifier: Apache-2.0
#include "install/containerd_config.h"

#include <gtest/gtest.h>

namespace reprise::install {
namespace {

constexpr const char* kProgram = "/opt/reprise/current/reprise-runtime";
constexpr const char* kPattern = "/etc/containerd/conf.d/*.toml";
constexpr const char* kMain = R"(version = 3
root = "/var/lib/containerd" # ours
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  SystemdCgroup = true
)";

TEST(ContainerdConfigTest, OneLineMoreImportsOursAndGoesAgain) {
  const std::string changed = with_import(kMain, kPattern);
  EXPECT_TRUE(changed.starts_with(
      "version = 3\nimports = [\"/etc/containerd/conf.d/*.toml\"]  # by reprise-node\nroot"))
      << changed;
  EXPECT_EQ(without_import(changed, kPattern), kMain);
}

TEST(ContainerdConfigTest, OneThatImportsAlreadyKeepsItsOwn) {
  for (const std::string imports :
       {"imports = []", "imports=['/a.toml']", "imports = [\n  \"/a.toml\",\n]"}) {
    const std::string before = "version = 2\n" + imports + "\n[plugins]\n";
    const std::string changed = with_import(before, kPattern);
    EXPECT_NE(changed.find("[\"/etc/containerd/conf.d/*.toml\", "), std::string::npos) << changed;
    EXPECT_TRUE(facts_of(changed, kProgram)) << changed;
    EXPECT_EQ(without_import(changed, kPattern), before);
  }
}

// `imports` behind a table's header is that table's.
TEST(ContainerdConfigTest, ImportsOfATableAreNone) {
  const std::string before = "[debug]\nimports = [\"x\"]\n";
  EXPECT_TRUE(with_import(before, kPattern).starts_with("imports = [\"/etc"));
}

TEST(ContainerdConfigTest, NoFileAndOneWithoutANewlineAtItsEnd) {
  EXPECT_EQ(with_import("version = 3", kPattern),
            "version = 3\nimports = [\"/etc/containerd/conf.d/*.toml\"]  # by reprise-node\n");
  EXPECT_EQ(without_import(with_import("", kPattern), kPattern), "");
}

TEST(ContainerdConfigTest, ABlockIsPutInThePlaceOfTheOneThatIsThere) {
  const std::string once = with_block(kMain, "a = 1\n");
  EXPECT_EQ(with_block(once, "b = 2\n"), with_block(kMain, "b = 2\n"));
  EXPECT_EQ(without_block(once), kMain);
  EXPECT_EQ(without_block(kMain), kMain);
}

TEST(ContainerdConfigTest, WhatHoldsForRuncHoldsForOurs) {
  const auto facts = facts_of(kMain, kProgram);
  ASSERT_TRUE(facts);
  EXPECT_TRUE(facts->systemd_cgroup);
  EXPECT_FALSE(facts->has_handler);
  EXPECT_EQ(facts->socket, "/run/containerd/containerd.sock");
  const auto after = facts_of(kMain + handler_text(2, *facts, kProgram), kProgram);
  ASSERT_TRUE(after) << after.error().message();
  EXPECT_TRUE(after->has_handler);
  EXPECT_FALSE(facts_of(kMain + handler_text(2, *facts, "/else"), kProgram)->has_handler);
}

TEST(ContainerdConfigTest, AnOldContainerdCallsItOtherwise) {
  const std::string dump = R"(state = "/run/x"
[grpc]
  address = "/run/x/y.sock"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  base_runtime_spec = "/etc/containerd/base.json"
)";
  const auto facts = facts_of(dump, kProgram);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->socket, "/run/x/y.sock");
  const std::string text = handler_text(1, *facts, kProgram);
  EXPECT_NE(text.find("[plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.reprise]"),
            std::string::npos);
  EXPECT_NE(text.find("base_runtime_spec = \"/etc/containerd/base.json\""), std::string::npos);
}

TEST(ContainerdConfigTest, WhatIsNoConfiguration) { EXPECT_FALSE(facts_of("= [", kProgram)); }

TEST(ContainerdConfigTest, Versions) {
  EXPECT_EQ(major_version("containerd github.com/containerd/containerd/v2 v2.3.7 "), 2);
  EXPECT_EQ(major_version("containerd github.com/containerd/containerd 1.7.24~ds1 x"), 1);
  EXPECT_EQ(major_version("containerd"), 0);
}

}  // namespace
}  // namespace reprise::install
