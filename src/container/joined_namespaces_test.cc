// SPDX-License-Identifier: Apache-2.0
#include "container/joined_namespaces.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace reprise::container {
namespace {

TEST(JoinedNamespaces, AreThoseOfInitWhereTheirMakerIsGone) {
  const std::string state =
      R"({"id":"x","config":{"namespaces":[{"type":"NEWNET","path":"/proc/7/ns/net"},)"
      R"({"type":"NEWIPC","path":"/proc/8/ns/ipc"},{"type":"NEWPID","path":""}]},"created":"z"})";
  const auto mended = with_paths_of_init(state, {"/proc/7/ns/net"}, 42);
  ASSERT_TRUE(mended);
  EXPECT_EQ(
      *mended,
      R"({"id":"x","config":{"namespaces":[{"type":"NEWNET","path":"/proc/42/ns/net"},)"
      R"({"type":"NEWIPC","path":"/proc/8/ns/ipc"},{"type":"NEWPID","path":""}]},"created":"z"})");
  EXPECT_EQ(with_paths_of_init("[]", {}, 1).error().code(), base::ErrorCode::kCorrupt);
}

TEST(JoinedNamespaces, KeepAPathThatIsThere) {
  const std::string own = "/proc/" + std::to_string(::getpid()) + "/ns/net";
  EXPECT_EQ(network_path_of(own, 42), own);
  EXPECT_EQ(network_path_of("", 42), "");
  EXPECT_EQ(network_path_of("/proc/999999999/ns/net", 42), "/proc/42/ns/net");
}

}  // namespace
}  // namespace reprise::container
