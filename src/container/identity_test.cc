// SPDX-License-Identifier: Apache-2.0
#include "container/identity.h"

#include <gtest/gtest.h>

namespace reprise::container {
namespace {

Identity of(const std::vector<std::string>& args) {
  return identify(args, base::ContainerId("web"));
}

TEST(Identity, UnderPodmanTheIdIsTheKey) {
  EXPECT_EQ(of({}).key.str(), "web");
  EXPECT_EQ(of({"--systemd-cgroup"}).key.str(), "web");
  EXPECT_EQ(of({"--root", "/run/runc"}).file_name, "web");
  EXPECT_EQ(of({"--root=/run/runc/"}).id.str(), "web");
}

TEST(Identity, UnderContainerdTheNamespaceBelongsToTheKey) {
  const Identity web = of({"--root", "/run/containerd/runc/k8s.io"});
  EXPECT_EQ(web.key.str(), "k8s.io/web");
  EXPECT_EQ(web.file_name, "k8s.io@web");
  EXPECT_EQ(of({"--root=/run/containerd/runc/default"}).key.str(), "default/web");
}

TEST(Identity, EqualIdsOfOtherRootsAreOthers) {
  // Another containerd on the same host, whose namespace has the same name.
  const Identity web = of({"--root", "/run/other/default"});
  EXPECT_EQ(web.key.str(), "/run/other/default/web");
  EXPECT_EQ(web.file_name, "@run@other@default@web");
  EXPECT_NE(web.key, of({"--root", "/run/other/second"}).key);
}

TEST(RuntimeRoot, IsWhatTheArgumentsSay) {
  EXPECT_EQ(runtime_root({}), "/run/runc");
  EXPECT_EQ(runtime_root({"--rootless", "false", "--root=/r"}), "/r");
  EXPECT_EQ(runtime_root({"--root"}), "/run/runc");
}

TEST(Identify, IsFoundByItsKey) {
  for (const std::vector<std::string>& args : {std::vector<std::string>{},
                                               {"--root", "/run/containerd/runc/k8s.io"},
                                               {"--root", "/x/y"}}) {
    const Identity who = identify(args, base::ContainerId("c1"));
    const Whereabouts found = find_by_key(who.key);
    EXPECT_EQ(found.id, who.id);
    EXPECT_EQ(found.runtime_args, args);
  }
}

}  // namespace
}  // namespace reprise::container
