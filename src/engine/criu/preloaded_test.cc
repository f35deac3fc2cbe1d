// SPDX-License-Identifier: Apache-2.0
#include "engine/criu/preloaded.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace reprise::engine {
namespace {

TEST(Preloaded, OneThatIsMissingIsNamed) {
  const std::filesystem::path place =
      testing::TempDir() + "preloaded-" + std::to_string(::getpid());
  std::filesystem::create_directories(place / "images");
  const auto missing = libraries_for_restore(place / "reprise-worker", place / "images");
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().message().contains("reprise-hold.so"));
  std::ofstream(place / "reprise-hold.so") << "";
  EXPECT_EQ(libraries_for_restore(place / "reprise-worker", place / "images").value(),
            (place / "reprise-hold.so").string());
  for (const char* image : {"netns-9.img", "netns-10.img", "netns.img"})
    std::ofstream(place / "images" / image) << "";
  EXPECT_TRUE(libraries_for_restore(place / "reprise-worker", place / "images")
                  .error()
                  .message()
                  .contains("reprise-networks.so"));
  std::filesystem::remove_all(place);
}

}  // namespace
}  // namespace reprise::engine
