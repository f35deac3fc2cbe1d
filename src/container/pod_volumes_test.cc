// SPDX-License-Identifier: Apache-2.0
#include "container/pod_volumes.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

namespace reprise::container {
namespace {

namespace fs = std::filesystem;

constexpr const char* kUid = "0f2c9a5e-1b7d-4c8e-9a31-5d2f7c6b8a90";

class PodVolumes : public testing::Test {
 protected:
  PodVolumes() {
    spec_.annotations = {{"io.kubernetes.cri.container-type", "container"},
                         {"io.kubernetes.cri.sandbox-uid", kUid},
                         {"io.kubernetes.cri.container-name", "main"}};
    for (const char* name : {"cache", "scratch"}) fs::create_directories(empty_ / name);
  }
  ~PodVolumes() override { fs::remove_all(scratch_); }
  void mount(const std::string& destination, const fs::path& source) {
    spec_.mounts.push_back({destination, "bind", source.string(), {}});
  }
  std::string template_ = testing::TempDir() + "pod-volumes-XXXXXX";
  fs::path scratch_ = ::mkdtemp(template_.data());
  fs::path pod_ = scratch_ / "kubelet/pods" / kUid;
  fs::path empty_ = pod_ / "volumes/kubernetes.io~empty-dir";
  oci::Spec spec_;
};

TEST_F(PodVolumes, AreToldByWhereTheKubeletPutsThem) {
  mount("/scratch", empty_ / "scratch");
  mount("/cache", empty_ / "cache");
  mount("/part", pod_ / "volume-subpaths/cache/main/2");
  mount("/claim", pod_ / "volumes/kubernetes.io~csi/pvc-1/mount");
  mount("/claimed-part", pod_ / "volume-subpaths/pvc-1/main/4");
  mount("/etc/hosts", pod_ / "etc-hosts");
  const auto volumes = empty_directories(spec_);
  ASSERT_EQ(volumes.size(), 2U);
  EXPECT_EQ(volumes[0].name, "cache");
  EXPECT_EQ(volumes[0].directory, empty_ / "cache");
  EXPECT_EQ(volumes[0].destinations, (std::vector<std::string>{"/cache", "/part"}));
  EXPECT_EQ(volumes[1].name, "scratch");
}

TEST_F(PodVolumes, OfAnotherPodOrOfNoneAreTheHosts) {
  const fs::path other = scratch_ / "kubelet/pods/other/volumes/kubernetes.io~empty-dir/cache";
  fs::create_directories(other);
  mount("/other", other);
  EXPECT_TRUE(empty_directories(spec_).empty());
  mount("/cache", empty_ / "cache");
  EXPECT_EQ(empty_directories(spec_).size(), 1U);
  spec_.annotations.clear();
  EXPECT_TRUE(empty_directories(spec_).empty());
}

// A directory of the host that a pod may write could lead anywhere.
TEST_F(PodVolumes, LinksAreNoVolumes) {
  fs::create_directory_symlink("/etc", empty_ / "link");
  mount("/link", empty_ / "link");
  mount("/up", empty_ / "..");
  EXPECT_TRUE(empty_directories(spec_).empty());
}

TEST_F(PodVolumes, AreUsedByWhoeverOfThePodHasThemMounted) {
  mount("/cache", empty_ / "cache");
  const Volume volume = empty_directories(spec_).front();
  const fs::path process = scratch_ / "proc/7";
  fs::create_directories(process);
  const auto write = [&](const char* name, const std::string& text) {
    std::ofstream(process / name) << text;
  };
  const std::string mounted = "36 1 8:1 /var/lib/kubelet/pods/" + std::string(kUid) +
                              "/volumes/kubernetes.io~empty-dir/cache/part /c rw - ext4 a rw\n";
  write("cgroup", "3:freezer:/kubepods/pod" + std::string(kUid) + "/abc\n");
  write("mountinfo", "35 1 8:1 / / rw - ext4 a rw\n");
  EXPECT_FALSE(is_used_in_pod(scratch_ / "proc", kUid, volume).value());
  write("mountinfo", mounted);
  EXPECT_TRUE(is_used_in_pod(scratch_ / "proc", kUid, volume).value());
  write("cgroup", "0::/kubepods.slice/kubepods-pod0f2c9a5e_1b7d_4c8e_9a31_5d2f7c6b8a90.slice/x\n");
  EXPECT_TRUE(is_used_in_pod(scratch_ / "proc", kUid, volume).value());
  write("cgroup", "0::/system.slice/kubelet.service\n");
  EXPECT_FALSE(is_used_in_pod(scratch_ / "proc", kUid, volume).value()) << "of the host";
}

}  // namespace
}  // namespace reprise::container
