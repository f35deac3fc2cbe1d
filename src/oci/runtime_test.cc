// SPDX-License-Identifier: Apache-2.0
#include "oci/runtime.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace reprise::oci {
namespace {

TEST(Runtime, ItsRootIsWhatTheArgumentsSay) {
  EXPECT_EQ(root_of({}), "/run/runc");
  EXPECT_EQ(root_of({"--rootless", "false", "--root=/r"}), "/r");
  EXPECT_EQ(root_of({"--root"}), "/run/runc");
}

TEST(Runtime, LooksBelowTheRootThatTheCallerNames) {
  const std::filesystem::path root = ::testing::TempDir() + "runc-root";
  std::filesystem::create_directories(root / "da6b");
  std::ofstream(root / "da6b/state.json") << R"({"init_process_pid": 9, "init_process_start": 8,
    "cgroup_paths": {}, "config": {"labels": ["bundle=/b"]}})";
  const base::ContainerId id("da6b");
  const Runtime runtime{.program = "runc", .state_args = {"--root", root.string()}};
  EXPECT_EQ(runtime.state_of(id).value().bundle, "/b");
  EXPECT_EQ(Runtime({.program = "runc", .state_args = {"--root=" + root.string()}})
                .state_of(id)
                .value()
                .bundle,
            "/b");
  const auto missing = runtime.state_of(base::ContainerId("other"));
  EXPECT_EQ(missing.error().code(), base::ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().message(), "container 'other' is not running");
  std::filesystem::remove_all(root);
}

TEST(Runtime, PutsItsArgumentsBeforeTheVerb) {
  const Runtime runtime{.program = "/usr/bin/runc", .state_args = {"--root", "/r"}};
  EXPECT_EQ(runtime.command({"delete", "--force", "c"}),
            (std::vector<std::string>{"/usr/bin/runc", "--root", "/r", "delete", "--force", "c"}));
}

TEST(Runtime, SaysWhatTheProgramSaysWhereItFails) {
  const Runtime runtime{.program = "/bin/false", .state_args = {}};
  const auto killed = runtime.kill(base::ContainerId("c"), 15);
  ASSERT_FALSE(killed);
  EXPECT_TRUE(killed.error().message().contains("delivering signal 15"))
      << killed.error().message();
  EXPECT_FALSE(runtime.remove(base::ContainerId("c"), std::chrono::seconds(5)));
  EXPECT_TRUE(Runtime({.program = "/bin/true", .state_args = {}}).kill(base::ContainerId("c"), 9));
}

}  // namespace
}  // namespace reprise::oci
