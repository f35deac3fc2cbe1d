// SPDX-License-Identifier: Apache-2.0
#include "host/identity.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace reprise::host {
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

TEST(Identity, ANameOutlivesTheId) {
  const base::ContainerId id("f1");
  EXPECT_EQ(identify({}, id, base::KeyName("web")).key.str(), "@web");
  EXPECT_EQ(identify({}, id, base::KeyName("web")).file_name, "f1");
  EXPECT_EQ(identify({}, id, base::KeyName()).key.str(), "f1");
  EXPECT_EQ(identify({"--root=/run/containerd/runc/k8s.io"}, id, base::KeyName("web")).key.str(),
            "k8s.io/@web");
}

TEST(Identity, ThoseThatOthersMakeAnewHaveANameByDefault) {
  EXPECT_EQ(default_key_name({}, "web").str(), "");
  EXPECT_EQ(default_key_name({{"PODMAN_SYSTEMD_UNIT", "web.service"}}, "systemd-web").str(),
            "unit:web.service:systemd-web");
  EXPECT_EQ(default_key_name({{"PODMAN_SYSTEMD_UNIT", "a\\x2db.service"}}, "w").str(),
            "unit:a_x2db.service:w");
  // podman-compose: one unit for the whole project.
  std::map<std::string, std::string> labels = {
      {"PODMAN_SYSTEMD_UNIT", "podman-compose@shop.service"},
      {"io.podman.compose.project", "shop"},
      {"com.docker.compose.service", "db"},
      {"com.docker.compose.container-number", "1"}};
  EXPECT_EQ(default_key_name(labels, "shop_db_1").str(), "compose:shop:db:1");
  labels["com.docker.compose.oneoff"] = "True";
  EXPECT_EQ(default_key_name(labels, "shop_db_run").str(), "");
}

TEST(Identify, IsFoundByItsKey) {
  for (const std::vector<std::string>& args : {std::vector<std::string>{},
                                               {"--root", "/run/containerd/runc/k8s.io"},
                                               {"--root", "/x/y"}}) {
    const Identity who = identify(args, base::ContainerId("c1"));
    const Whereabouts found = find_by_key(who.key);
    EXPECT_EQ(found.id, who.id);
    EXPECT_EQ(found.state_args, args);
  }
  EXPECT_TRUE(find_by_key(base::ContainerKey("k8s.io/@web")).id.empty());
}

}  // namespace
}  // namespace reprise::host
