// SPDX-License-Identifier: Apache-2.0
#include "oci/cgroups_path.h"

#include <gtest/gtest.h>

namespace reprise::oci {
namespace {

TEST(CgroupsPath, AnAbsoluteOneStands) {
  EXPECT_EQ(cgroup_directory("/kubepods/besteffort/pod1/c2"), "/kubepods/besteffort/pod1/c2");
}

TEST(CgroupsPath, SystemdsSlicesLieInEachOther) {
  EXPECT_EQ(cgroup_directory("kubepods-besteffort-pod1_2.slice:cri-containerd:c2"),
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/"
            "cri-containerd-c2.scope");
  EXPECT_EQ(cgroup_directory("machine.slice:libpod:c2"), "/machine.slice/libpod-c2.scope");
  EXPECT_EQ(cgroup_directory(":runc:c2"), "/system.slice/runc-c2.scope");
  EXPECT_EQ(cgroup_directory("-.slice::c2"), "/c2.scope");
}

TEST(CgroupsPath, OthersDependOnWhoAsks) {
  for (const char* path : {"", "relative/c2", "a:b", "a.slice:b:"})
    EXPECT_EQ(cgroup_directory(path), "") << path;
}

}  // namespace
}  // namespace reprise::oci
