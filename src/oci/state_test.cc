// SPDX-License-Identifier: Apache-2.0
#include "oci/state.h"

#include <gtest/gtest.h>

namespace reprise::oci {
namespace {

// As runc 1.1.15 writes it for Podman, shortened.
constexpr const char* kState = R"({
  "id": "da6b", "init_process_pid": 9658, "init_process_start": 80521,
  "config": {"labels": ["reprise.dev/on-stop=checkpoint", "with=a=b", "bundle=/var/x/userdata"]},
  "cgroup_paths": {"": "/sys/fs/cgroup/unified/x", "freezer": "/sys/fs/cgroup/freezer/x"}})";

TEST(State, ReadsWhatRuncWrites) {
  const State state = parse_state(kState).value();
  EXPECT_EQ(state.init, (sys::ProcessRef{.pid = 9658, .start_ticks = 80521}));
  EXPECT_EQ(state.bundle, "/var/x/userdata");
  EXPECT_EQ(state.annotations.at("reprise.dev/on-stop"), "checkpoint");
  EXPECT_EQ(state.annotations.at("with"), "a=b");
  EXPECT_EQ(state.cgroup_paths.at("freezer"), "/sys/fs/cgroup/freezer/x");
}

TEST(State, RefusesWhatIsNotOne) {
  for (const char* text : {"", "{}", "[1]", R"({"init_process_pid": "x"})"})
    EXPECT_EQ(parse_state(text).error().code(), base::ErrorCode::kCorrupt) << text;
}

}  // namespace
}  // namespace reprise::oci
