// SPDX-License-Identifier: Apache-2.0
#include "image/criu_outside_mounts.h"

#include <gtest/gtest.h>

namespace reprise::image {
namespace {

using namespace std::string_literals;

const std::string kHead = "\x19\x43\x56\x54\x28\x39\x56\x55"s;
const std::string kPlace = "\x3a\x06./data"s;       // 7: mountpoint
const std::string kDeleted = "\x80\x01\x01"s;       // 16
const std::string kOutside = "\x92\x01\x05/data"s;  // 18: ext_key

std::string framed(const std::string& message) {
  return std::string(1, static_cast<char>(message.size())) + "\0\0\0"s + message;
}

TEST(OutsideMounts, AreBoundToWhatIsThereNow) {
  const std::string inner = framed(kPlace + kDeleted);  // its source is the container's own
  const auto mended = forget_deleted_sources(kHead + inner + framed(kPlace + kDeleted + kOutside));
  ASSERT_TRUE(mended && *mended);
  EXPECT_EQ(**mended, kHead + inner + framed(kPlace + kOutside));
  const auto same = forget_deleted_sources(**mended);
  EXPECT_TRUE(same && !*same);
}

TEST(OutsideMounts, OfAnythingElseAreDamage) {
  const std::string good = kHead + framed(kPlace + kDeleted + kOutside);
  for (std::size_t size = 0; size < good.size(); ++size) {
    const auto cut = forget_deleted_sources(good.substr(0, size));
    if (size == kHead.size()) continue;  // no mount at all
    ASSERT_FALSE(cut) << size;
    EXPECT_EQ(cut.error().code(), base::ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(forget_deleted_sources(kHead + framed("\x07")));
}

}  // namespace
}  // namespace reprise::image
