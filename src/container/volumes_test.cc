// SPDX-License-Identifier: Apache-2.0
#include "container/volumes.h"

#include <gtest/gtest.h>

#include "oci/spec.h"

namespace reprise::container {
namespace {

constexpr const char* kBundle = "/var/lib/containers/storage/overlay-containers/5b06/userdata";

TEST(PodmanVolumes, AreToldByWhereTheyLie) {
  oci::Spec spec;
  const std::string storage = "/var/lib/containers/storage/";
  spec.mounts = {{"/data", "bind", storage + "volumes/web/_data"},
                 {"/again", "bind", storage + "volumes/web/_data/sub"},
                 {"/anonymous", "bind", storage + "volumes/00ff/_data"},
                 {"/host", "bind", "/srv/volumes/web/_data"},
                 {"/all", "bind", storage + "volumes"},
                 {"/one", "bind", storage + "volumes/web"},
                 {"/other", "bind", storage + "volumes/web/other"},
                 {"/out", "bind", storage + "volumes/../web/_data"},
                 {"/etc/hosts", "bind", storage + "overlay-containers/5b06/userdata/hosts"},
                 {"/tmp", "tmpfs", storage + "volumes/web/_data"}};
  const std::vector<Volume> volumes = podman_volumes(spec, kBundle);
  ASSERT_EQ(volumes.size(), 2U);
  EXPECT_EQ(volumes[0].name, "00ff");
  EXPECT_EQ(volumes[1].name, "web");
  EXPECT_EQ(volumes[1].directory, storage + "volumes/web/_data");
  EXPECT_EQ(volumes[1].destinations, (std::vector<std::string>{"/data", "/again"}));
}

TEST(SavedVolumes, AreReadAsTheyWereWritten) {
  const std::vector<SavedVolume> volumes = {
      {.name = "web", .destinations = {"/data", "/again"}, .part = "volume-0.tar"},
      {.name = "00ff", .destinations = {"/x"}, .part = "volume-1.tar"},
      {.name = "cache", .destinations = {"/c"}, .part = "volume-2.tar", .pod = "uid", .taken = 7}};
  EXPECT_EQ(decode_volumes(encode_volumes(volumes)).value(), volumes);
  EXPECT_TRUE(decode_volumes("[]").value().empty());
}

TEST(SavedVolumes, RefuseWhatIsNoList) {
  for (const char* text : {"", "{", R"([{"name": "x"}])", R"([3])", R"(3)",
                           R"([{"name": 3, "destinations": [], "part": "x"}])"}) {
    const auto volumes = decode_volumes(text);
    ASSERT_FALSE(volumes) << text;
    EXPECT_EQ(volumes.error().code(), base::ErrorCode::kCorrupt) << text;
  }
}

}  // namespace
}  // namespace reprise::container
