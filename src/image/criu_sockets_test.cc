// SPDX-License-Identifier: Apache-2.0
#include "image/criu_sockets.h"

#include <gtest/gtest.h>

namespace reprise::image {
namespace {

constexpr std::string_view kHead{"\x19\x43\x56\x54\x38\x31\x30\x56", 8};
// type 5, id 7, usk { id 7, ino 300, name "/s", deleted true }, in protobuf's encoding.
constexpr std::string_view kSocket{
    "\x14\0\0\0\x08\x05\x10\x07\x82\x01\x0d"
    "\x08\x07\x10\xac\x02\x5a\x02/s\x78\x01\x18\x01",
    24};
constexpr std::string_view kOther{"\x04\0\0\0\x08\x01\x10\x02", 8};

std::string image_of(std::initializer_list<std::string_view> parts) {
  std::string image;
  for (const std::string_view part : parts) image += part;
  return image;
}

TEST(CriuSocketsTest, OnlyTheSocketsThatAreNamedKeepTheirFiles) {
  const std::string image = image_of({kHead, kOther, kSocket, kOther});
  const auto same = keep_socket_files(image, {299});
  ASSERT_TRUE(same) << same.error().message();
  EXPECT_EQ(*same, image);
  const auto changed = keep_socket_files(image, {300});
  ASSERT_TRUE(changed) << changed.error().message();
  EXPECT_EQ(changed->size(), image.size()) << "all other fields are there";
  EXPECT_NE(changed->find(std::string_view("\x78\0", 2)), std::string::npos) << "deleted: false";
  EXPECT_EQ(changed->find("\x78\x01"), std::string::npos);
  EXPECT_NE(changed->find("/s"), std::string::npos);
  EXPECT_TRUE(changed->starts_with(image_of({kHead, kOther})));
}

TEST(CriuSocketsTest, RefusesWhatIsNoSuchImage) {
  const std::string image = image_of({kHead, kSocket});
  EXPECT_FALSE(keep_socket_files("", {}));
  EXPECT_FALSE(keep_socket_files(image.substr(1), {}));
  EXPECT_FALSE(keep_socket_files(image.substr(0, image.size() - 1), {}));
  EXPECT_FALSE(keep_socket_files(image_of({kHead, "\x02\0"}), {}));
}

}  // namespace
}  // namespace reprise::image
