// SPDX-License-Identifier: Apache-2.0
#include "container/runc_state.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace reprise::container {
namespace {

// As runc 1.1.15 writes it for Podman, shortened.
constexpr const char* kState = R"({
  "id": "da6b", "init_process_pid": 9658, "init_process_start": 80521,
  "config": {"labels": ["reprise.dev/on-stop=checkpoint", "with=a=b", "bundle=/var/x/userdata"]},
  "cgroup_paths": {"": "/sys/fs/cgroup/unified/x", "freezer": "/sys/fs/cgroup/freezer/x"}})";

TEST(RuncState, ReadsWhatRuncWrites) {
  const RuncState state = parse_runc_state(kState).value();
  EXPECT_EQ(state.init, (sys::ProcessRef{.pid = 9658, .start_ticks = 80521}));
  EXPECT_EQ(state.bundle, "/var/x/userdata");
  EXPECT_EQ(state.annotations.at("reprise.dev/on-stop"), "checkpoint");
  EXPECT_EQ(state.annotations.at("with"), "a=b");
  EXPECT_EQ(state.cgroup_paths.at("freezer"), "/sys/fs/cgroup/freezer/x");
}

TEST(RuncState, RefusesWhatIsNotOne) {
  for (const char* text : {"", "{}", "[1]", R"({"init_process_pid": "x"})"})
    EXPECT_EQ(parse_runc_state(text).error().code(), base::ErrorCode::kCorrupt) << text;
}

TEST(RuncState, LooksBelowTheRootThatTheCallerNames) {
  const std::filesystem::path root = ::testing::TempDir() + "runc-root";
  std::filesystem::create_directories(root / "da6b");
  std::ofstream(root / "da6b/state.json") << kState;
  const base::ContainerId id("da6b");
  EXPECT_EQ(load_runc_state({"--root", root.string()}, id).value().bundle, "/var/x/userdata");
  EXPECT_EQ(load_runc_state({"--root=" + root.string()}, id).value().bundle, "/var/x/userdata");
  const auto missing = load_runc_state({"--root", root.string()}, base::ContainerId("other"));
  EXPECT_EQ(missing.error().code(), base::ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().message(), "container 'other' is not running");
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace reprise::container
