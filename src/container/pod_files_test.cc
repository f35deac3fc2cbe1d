// SPDX-License-Identifier: Apache-2.0
#include "container/pod_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

namespace reprise::container {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPodUid = "0f2c9a5e-1b7d-4c8e-9a31-5d2f7c6b8a90";
constexpr const char* kOld = "..2026_11_30_09_11_57.2001552781";
constexpr const char* kNew = "..2026_11_30_09_12_57.3001552781";

class PodFiles : public testing::Test {
 protected:
  PodFiles() {
    spec_.annotations = {{"io.kubernetes.cri.container-type", "container"},
                         {"io.kubernetes.cri.sandbox-uid", kPodUid},
                         {"io.kubernetes.cri.container-name", "main"}};
    for (const char* moment : {kOld, kNew}) {
      fs::create_directories(token_ / moment);
      std::ofstream(token_ / moment / "token") << moment;
    }
    mount("/run/secrets/token", token_);
    fs::create_directories(process_ / "fd");
    std::ofstream(process_ / "task/7/children").flush();
  }
  ~PodFiles() override { fs::remove_all(scratch_); }
  void mount(const std::string& destination, const fs::path& source) {
    spec_.mounts.push_back({destination, "bind", source.string(), {}});
  }
  std::vector<Moment> in_use(const std::vector<std::string>& watched = {}) const {
    return moments_in_use(scratch_ / "proc", 7, spec_, watched);
  }
  std::string template_ = testing::TempDir() + "pod-files-XXXXXX";
  fs::path scratch_ = ::mkdtemp(template_.data());
  fs::path pod_ = scratch_ / "kubelet/pods" / kPodUid;
  fs::path token_ = pod_ / "volumes/kubernetes.io~projected/kube-api-access";
  fs::path process_ = scratch_ / "proc/7";
  oci::Spec spec_;
};

TEST_F(PodFiles, AMomentIsInUseByAnOpenFile) {
  EXPECT_TRUE(in_use().empty());
  fs::create_symlink("/run/secrets/token/" + std::string(kOld) + "/token", process_ / "fd/3");
  const auto found = in_use();
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].destination, "/run/secrets/token");
  EXPECT_EQ(found[0].directory, token_ / kOld);
}

TEST_F(PodFiles, AMomentIsInUseByAMappingAWatchAndAWorkingDirectory) {
  std::ofstream(process_ / "maps")
      << "7f00-7f01 r--p 0 00:2a 7   /run/secrets/token/" << kOld << "/token\n";
  EXPECT_EQ(in_use().size(), 1U);
  EXPECT_EQ(in_use({"/run/secrets/token/" + std::string(kNew)}).size(), 2U);
  fs::create_symlink("/run/secrets/token/" + std::string(kNew), process_ / "cwd");
  EXPECT_EQ(in_use().size(), 2U);
}

TEST_F(PodFiles, OnlyVolumesOfThisPodHaveMoments) {
  EXPECT_EQ(volume_with_moments(spec_, "/run/secrets/token"), token_);
  EXPECT_FALSE(volume_with_moments(spec_, "/run/secrets"));
  mount("/other", scratch_ / "kubelet/pods/other/volumes/kubernetes.io~secret/a");
  EXPECT_FALSE(volume_with_moments(spec_, "/other"));
  mount("/part", pod_ / "volume-subpaths/a/main/0");
  EXPECT_FALSE(volume_with_moments(spec_, "/part"));
}

TEST_F(PodFiles, FilesOfOnePodAreKnownByWhereTheyLie) {
  mount("/etc/hosts", pod_ / "etc-hosts");
  mount("/etc/resolv.conf", "/var/lib/containerd/cri/sandboxes/a/resolv.conf");
  mount("/why", pod_ / "containers/main/849c929d");
  EXPECT_EQ(files_of_one_pod(spec_),
            (std::set<std::string>{"/etc/hosts", "/etc/resolv.conf", "/why"}));
  EXPECT_EQ(termination_log(spec_), pod_ / "containers/main/849c929d");
  spec_.annotations.clear();
  EXPECT_TRUE(files_of_one_pod(spec_).empty());
  EXPECT_FALSE(termination_log(spec_));
}

TEST_F(PodFiles, NamesThatLeadElsewhereAreNoMoments) {
  EXPECT_TRUE(is_moment(kOld));
  for (const char* name : {"..", "..data", "..2/../..", "2026", ""}) EXPECT_FALSE(is_moment(name));
}

}  // namespace
}  // namespace reprise::container
